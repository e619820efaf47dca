"""What agents are asked: templates of configs/prompts, with all data behind a sign of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from pydantic import ConfigDict, Field, ValidationError

from prompt_lab.agents.port import AgentResult
from prompt_lab.agents.refusals import Fault, Refusal
from prompt_lab.analyze.markdown import last_json_block
from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.llm_judge import mark_of, sandboxed
from prompt_lab.propose.budget import EditBudget
from prompt_lab.records import Change, Direction, Record

UNKNOWN_COST = "what it cost is not known: its limit of ${limit:g} is counted"


def believed(result: AgentResult, limit: float) -> AgentResult:
    """The result with texts that can be written down, and a cost that can be counted.

    A cost that is no finite number from 0 up is not known. Then the agent's `limit` (US dollars
    for one task) is its cost, and the message says so: nothing would let a loop spend for ever.
    """
    result = replace(
        result,
        text=writable(result.text),
        transcript=writable(result.transcript),
        message=writable(result.message),
    )
    if isfinite(result.cost_usd) and result.cost_usd >= 0:
        return result
    notice = UNKNOWN_COST.format(limit=limit)
    message = f"{result.message}; {notice}" if result.message else notice
    return replace(result, cost_usd=limit, message=message)


def writable(text: str) -> str:
    r"""A text that UTF-8 can hold: half of a surrogate pair becomes a question mark.

    >>> writable("a\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


class Proposal(Record):
    """What the agent says of its change: for people to read, and never believed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str = Field(min_length=1, max_length=120)
    description: str = Field(min_length=1, max_length=4000)
    files: dict[str, str] = Field(
        default={}, description="path -> whole new text, from an agent that cannot edit by itself"
    )

    @property
    def published_texts(self) -> dict[str, str]:
        """What of it is published as it is, by what it is."""
        return {"the title": self.title, "the description": self.description}


def parse_proposal(text: str) -> Proposal | Fault:
    r"""The last ```json block of a text, read strictly; or why there is none.

    >>> parse_proposal('Done.\n```json\n{"title": "Say it", "description": "Once."}\n```').title
    'Say it'
    >>> parse_proposal("I have made the change.").code
    'no_block'
    """
    body = last_json_block(text)
    if body is None:
        return Fault(code=Refusal.NO_BLOCK, text="it did not end with a ```json block")
    try:
        return Proposal.model_validate_json(body)
    except ValidationError as error:
        return bad_block(error)


def bad_block(error: ValidationError) -> Fault:
    """The first thing that is wrong with a block."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the block"
    return Fault(code=Refusal.BAD_BLOCK, text=f"its ```json block: {place}: {first['msg']}")


IMPLEMENT, INSIGHT, REVIEW = "implement.md.j2", "insight.md.j2", "code_review.md.j2"
SEND_BACK = "Your answer was not accepted: {reason}\nAnswer once more, in full, with that fixed."
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
