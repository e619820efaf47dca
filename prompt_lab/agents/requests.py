"""What agents are asked: templates of configs/prompts, with all data behind a sign of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError

from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.judge_request import mark_of, sandboxed
from prompt_lab.propose.budget import EditBudget
from prompt_lab.records import Change, Direction

IMPLEMENT, INSIGHT, REVIEW = "implement.md.j2", "insight.md.j2", "code_review.md.j2"
SEND_BACK = "Your answer was not accepted: {reason}\nAnswer once more, in full, with that mended."
Texts = Sequence[tuple[str, str]]
"""(path, text) of files."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """The prompt. Texts in `values` are data: none can hold the sign that fences them in.

    Raises TemplateError of jinja2 for a template that names what it is not given.
    """
    mark = mark_of([repr(sorted(values.items()))])
    return sandboxed().from_string(template).render({**values, "mark": mark}).strip() + "\n"


def to_implement(
    step: str,
    direction: Direction,
    budget: EditBudget,
    files: Texts,
    *,
    known: Sequence[str],
    edits: bool,
) -> dict[str, Any]:
    """Values for IMPLEMENT. `files` are those that matter; `edits`: it has hands of its own.

    `known` is what is known to go wrong in the step, a line each with its evidence.
    """
    return {
        "step": step,
        "direction": direction.model_dump(),
        "paths": budget.paths,
        "protected": budget.protected,
        "file_types": budget.file_types,
        "max_files": budget.max_files,
        "max_lines": budget.max_lines,
        "files": list(files),
        "known": list(known),
        "edits": edits,
    }


def to_find(step: str, numbers: str, runs: Sequence[str], diff: str) -> dict[str, Any]:
    """Values for INSIGHT: the `metrics` analyst's page, and the run folders to cite."""
    return {"step": step, "numbers": numbers, "runs": list(runs), "diff": diff}


def to_review(step: str, numbers: str, change: Change, diff: str) -> dict[str, Any]:
    """Values for REVIEW: the change as its author describes it, and as it is."""
    shown = {"title": change.title, "description": change.description}
    return {"step": step, "numbers": numbers, "change": shown, "diff": diff}


def check_template(template: str, path: str) -> None:
    """Raises ConfigError for a template that does not render with what it is given."""
    name = path.rpartition("/")[2]
    direction = Direction(title="<t>", strategy=None, why="<w>", evidence=("<e>",), expected="<x>")
    change = Change(branch="b", commit="c", base_commit="d", strategy="s", source="s",
                    title="<t>", description="<d>")  # fmt: skip
    samples = {
        IMPLEMENT: to_implement("<step>", direction, EditBudget(("p",), 1, 1), [("f", "<file>")],
                                known=("<known>",), edits=False),
        INSIGHT: to_find("<step>", "<numbers>", ["<run>"], "<diff>"),
        REVIEW: to_review("<step>", "<numbers>", change, "<diff>"),
    }  # fmt: skip
    try:
        render(template, samples[name])
    except TemplateSyntaxError as error:
        raise ConfigError([f"{path}:{error.lineno}: {error.message}"]) from error
    except TemplateError as error:
        known = ", ".join(sorted([*samples[name], "mark"]))
        raise ConfigError([f"{path}: {error}; it may name {known}"]) from error
