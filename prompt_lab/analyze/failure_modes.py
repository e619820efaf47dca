"""instructions/<step>.md: the known failure modes for a reader, and read back from its block."""

from collections.abc import Iterator, Sequence

from pydantic import Field, ValidationError

from prompt_lab.analyze.findings import METRICS, UNPARSED, AnalystFinding, Views
from prompt_lab.analyze.markdown import json_block, last_json_block, page, plain_line, section
from prompt_lab.errors import StoreError
from prompt_lab.names import Side, count
from prompt_lab.records import Record

FAILURES = frozenset({"error", "field", "copied", "placeholder", "opener", "duplicate"})
"""Kinds of findings of the `metrics` analyst that say what goes wrong in the answers."""
MOST_OF_A_KIND = 4
_EVIDENCE = 3


class FailureMode(Record):
    """One way in which answers of the step go wrong."""

    kind: str
    model: str = Field(default="", description="'' for all models")
    about: str = ""
    text: str
    evidence: tuple[str, ...] = Field(description="numbers, each with a run path; the latest")
    analyst: str = Field(description="who saw it last")
    seen: tuple[int, ...] = Field(description="iterations whose runs show it, oldest first")
    weight: float = 0.0
    gone_since: int | None = Field(
        default=None, description="the first later iteration whose runs no longer showed it"
    )

    @property
    def key(self) -> tuple[str, str, str]:
        """The key by which two failure modes are the same."""
        return self.kind, self.model, self.about.casefold()


def modes_of(findings: Views, side: Side, iteration: int) -> tuple[FailureMode, ...]:
    """What the analysts saw going wrong on the side that the next iteration starts from."""
    found: dict[tuple[str, str, str], FailureMode] = {}
    for analyst, view in findings.items():
        for finding in _failures(analyst, view or (), side):
            mode = FailureMode(
                kind=finding.kind,
                model=finding.model,
                about=finding.about,
                text=finding.text,
                evidence=finding.evidence[:_EVIDENCE],
                analyst=analyst,
                seen=(iteration,),
                weight=finding.weight,
            )
            known = found.get(mode.key)
            if known is None or known.weight < mode.weight:
                found[mode.key] = mode
    return tuple(found.values())


def merge_modes(
    known: Sequence[FailureMode], now: Sequence[FailureMode], iteration: int
) -> tuple[FailureMode, ...]:
    """The list after one more iteration; adding the same iteration again changes nothing.

    Modes that the runs still show are updated; the others stay, with the iteration since which they
    are gone. Current modes come first, then by weight.
    """
    old, new = {mode.key: mode for mode in known}, {mode.key: mode for mode in now}
    merged = [_update_mode(old.get(key), mode, iteration) for key, mode in new.items()]
    gone = [_missed(mode, iteration) for key, mode in old.items() if key not in new]
    every = [*merged, *gone]
    return tuple(sorted(every, key=lambda m: (m.gone_since is not None, -m.weight, m.key)))


def standing_modes(modes: Sequence[FailureMode]) -> tuple[FailureMode, ...]:
    """The modes that the latest runs still show."""
    return tuple(mode for mode in modes if mode.gone_since is None)


def _failures(analyst: str, view: Sequence[AnalystFinding], side: Side) -> Iterator[AnalystFinding]:
    counts: dict[str, int] = {}
    for finding in view:
        ours = finding.kind in FAILURES if analyst == METRICS else finding.says != "better"
        if not ours or not finding.evidence or finding.kind == UNPARSED:
            continue
        if finding.side not in (None, side):
            continue
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
        if counts[finding.kind] <= MOST_OF_A_KIND:
            yield finding


def _update_mode(old: FailureMode | None, new: FailureMode, iteration: int) -> FailureMode:
    seen = tuple(sorted({*(old.seen if old else ()), iteration}))
    return new.model_copy(update={"seen": seen, "gone_since": None})


def _missed(mode: FailureMode, iteration: int) -> FailureMode:
    if mode.gone_since is not None or iteration <= mode.seen[-1]:
        return mode
    return mode.model_copy(update={"gone_since": iteration})


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
        f"Known failure modes of this step, from {count(len(known.iterations), 'iteration')}. "
        "Analysts and agents read this page before they change the prompt. The lab writes it; each "
        "iteration updates it.",
        section("Known failure modes", _render_modes(standing_modes(known.modes))),
        section("Seen before, no longer seen", _render_modes(gone)),
        section("Record", json_block(known.model_dump_json(indent=1))),
    )


def parse_instructions(text: str) -> Instructions:
    """Parse the record from a page. Raises StoreError if the page has no valid one."""
    body = last_json_block(text)
    try:
        return Instructions.model_validate_json(body or "")
    except ValidationError as error:
        raise StoreError("has no ```json block with the failure modes of a step.") from error


def modes_told(modes: Sequence[FailureMode]) -> str:
    """The current failure modes as a list with their evidence; '' for none."""
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
