"""irregular.md: every irregular folder, once, with all of its faults."""

from collections.abc import Sequence

from prompt_lab.analyze.markdown import page, plain_line
from prompt_lab.names import count
from prompt_lab.report.view import OddFolder


def render_irregular(irregular: Sequence[OddFolder]) -> str:
    """One line for each folder, in the order given."""
    lines = "\n".join(
        f"- {plain_line(one.path, 200)}: {plain_line(_fault_text(one), 600)}" for one in irregular
    )
    size = count(len(irregular), "folder")
    return page("# Irregular folders", f"{size}; each is read as far as possible.", lines)


def _fault_text(one: OddFolder) -> str:
    return "; ".join(one.faults)
