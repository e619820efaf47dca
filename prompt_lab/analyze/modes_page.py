"""instructions/<step>.md: the known failure modes for a reader, and read back from its block."""

from collections.abc import Sequence

from pydantic import ValidationError

from prompt_lab.analyze.markdown import json_block, last_json_block, page, plain_line, section
from prompt_lab.analyze.modes import FailureMode, standing_modes
from prompt_lab.errors import StoreError
from prompt_lab.names import count
from prompt_lab.records import Record

MOST = 12


class Instructions(Record):
    """What the lab knows of a step, after some iterations."""

    version: int = 1
    step: str
    iterations: tuple[int, ...] = ()
    modes: tuple[FailureMode, ...] = ()


def render_instructions(known: Instructions) -> str:
    """The page. `parse_instructions` gives an equal record back."""
    gone = [mode for mode in known.modes if mode.gone_since is not None]
    return page(
        f"# Instructions: {plain_line(known.step)}",
        f"What is known to go wrong in this step, from "
        f"{count(len(known.iterations), 'iteration')}. Whoever "
        "changes its prompt reads this first. Written by the lab; each iteration renews it.",
        section("Known failure modes", _render_modes(standing_modes(known.modes))),
        section("Seen before, and gone since", _render_modes(gone)),
        section("Record", json_block(known.model_dump_json(indent=1))),
    )


def parse_instructions(text: str) -> Instructions:
    """The record of a page. Raises StoreError where there is none that fits."""
    body = last_json_block(text)
    try:
        return Instructions.model_validate_json(body or "")
    except ValidationError as error:
        raise StoreError("has no ```json block with the failure modes of a step.") from error


def modes_told(modes: Sequence[FailureMode]) -> str:
    """The failure modes that stand, as a list with their evidence; '' for none."""
    return _render_modes(standing_modes(modes))


def _render_modes(modes: Sequence[FailureMode]) -> str:
    lines = [_render_mode(mode) for mode in modes[:MOST]]
    left = len(modes) - MOST
    return "\n".join([*lines, *([f"- … and {left} more"] if left > 0 else [])])


def _render_mode(mode: FailureMode) -> str:
    seen = ", ".join(map(str, mode.seen))
    until = f"; gone since iteration {mode.gone_since}" if mode.gone_since is not None else ""
    evidence = "".join(f"\n  - {plain_line(one, 300)}" for one in mode.evidence)
    return f"- {plain_line(mode.text, 400)} ({mode.analyst}; iterations {seen}{until}){evidence}"
