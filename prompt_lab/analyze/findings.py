"""The findings of an analyst, and the fenced block that holds them in a page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import Field, ValidationError

from prompt_lab.analyze.markdown import json_block, last_json_block
from prompt_lab.names import Side
from prompt_lab.records import Record

METRICS = "metrics"
UNPARSED = "unparsed"

Says = Literal["", "better", "worse", "same"]


class AnalystFinding(Record):
    """One statement with its evidence. `side` None is both; `model` '' is all."""

    kind: str = Field(min_length=1, description="a short stable code: 'opener', 'field', 'error'")
    text: str = Field(min_length=1)
    evidence: tuple[str, ...] = Field(default=(), description="numbers, each with a run path")
    side: Side | None = None
    model: str = ""
    about: str = Field(default="", description="the field, phrase or plan that it is about")
    says: Says = Field(default="", description="what the candidate did to it, if known")
    weight: float = Field(default=0.0, ge=0, le=1, description="share of runs or texts concerned")

    def reworded(self, word: Callable[[str], str]) -> "AnalystFinding":
        """The same finding with `word` applied to each of its texts."""
        texts = {"kind": self.kind, "text": self.text, "model": self.model, "about": self.about}
        new: dict[str, object] = {name: word(text) for name, text in texts.items()}
        return self.model_copy(update=new | {"evidence": tuple(map(word, self.evidence))})


Views = Mapping[str, Sequence[AnalystFinding] | None]
"""Analyst -> its findings; None if it was asked and gave no answer."""


class _Block(Record):
    findings: tuple[AnalystFinding, ...]


def render_findings(findings: tuple[AnalystFinding, ...]) -> str:
    """The fenced block that ends an analyst's page."""
    return json_block(_Block(findings=findings).model_dump_json(indent=1))


def parse_findings(page: str) -> tuple[AnalystFinding, ...]:
    """The findings of the page's last JSON block.

    A page without one, or with one that does not fit, is kept whole as one finding of the kind
    'unparsed': it can be read and quoted, but nothing is concluded from it.
    """
    body = last_json_block(page)
    try:
        return (
            _Block.model_validate_json(body).findings
            if body is not None
            else _parse_kept_block(page)
        )
    except ValidationError:
        return _parse_kept_block(page)


def is_parsed(findings: tuple[AnalystFinding, ...]) -> bool:
    """Whether the page with these findings could be parsed."""
    return all(finding.kind != UNPARSED for finding in findings)


def _parse_kept_block(page: str) -> tuple[AnalystFinding, ...]:
    return (AnalystFinding(kind=UNPARSED, text=page or "(empty)"),)
