"""What an analyst answered, checked: taken as findings, kept as text, or sent back."""

import re
from collections.abc import Sequence

from pydantic import ConfigDict, Field, ValidationError

from prompt_lab.agents.proposal import bad_block
from prompt_lab.agents.refusals import Fault, Refusal
from prompt_lab.analyze.findings import Finding
from prompt_lab.analyze.markdown import block, json_block, last_json_block, page, plain, section
from prompt_lab.records import Record

_NUMBER = re.compile(r"\d")
_KEPT = (Refusal.NO_BLOCK, Refusal.BAD_BLOCK)


class _Findings(Record):
    model_config = ConfigDict(frozen=True, extra="forbid")

    findings: tuple[Finding, ...] = Field(min_length=1)


class Failed(Record):
    """The block of a page on which nothing stands but why it is empty."""

    failed: tuple[Fault, ...]


def fault_of(text: str, runs: Sequence[str] | None) -> Fault | None:
    """Why an answer is not accepted, or None.

    `runs` are the run folders that evidence may cite; None: evidence is not from runs.
    """
    body = last_json_block(text)
    if body is None:
        return Fault(code=Refusal.NO_BLOCK, text="it did not end with a ```json block")
    try:
        found = _Findings.model_validate_json(body).findings
    except ValidationError as error:
        return bad_block(error)
    bare = [one for one in found if runs is not None and not _is_shown(one.evidence, runs)]
    if bare:
        text = f"finding {bare[0].text[:80]!r} cites no number together with the path of a run"
        return Fault(code=Refusal.NO_EVIDENCE, text=text)
    return None


def _is_shown(evidence: Sequence[str], runs: Sequence[str]) -> bool:
    """Whether a line of evidence has a run that there is, and a number beside it."""
    return any(
        run in line and _NUMBER.search(line.replace(run, "")) for line in evidence for run in runs
    )


def rendered(title: str, text: str, faults: Sequence[Fault], note: str = "") -> str:
    """The analyst's page; `faults` are those that its last answer still has.

    An answer that only lacks its block is kept as text, and marked so; one that lacks evidence, or
    that never came, is recorded as failed.
    """
    if not faults:
        return page(f"# {title}", note, text.strip())
    reasons = "\n".join(f"- `{one.code}`: {plain(one.text, 300)}" for one in faults)
    if all(one.code in _KEPT for one in faults) and text.strip():
        return page(
            f"# {title}: kept as text", note,
            section("Why nothing is concluded from it", reasons),
            section("What was said", block(text.strip())),
        )  # fmt: skip
    record = Failed(failed=tuple(faults)).model_dump_json(indent=1)
    return page(
        f"# {title}: failed", note, section("Why", reasons), section("Record", json_block(record))
    )


def is_failed(text: str) -> bool:
    """Whether a page is one of an analyst that failed."""
    try:
        return bool(Failed.model_validate_json(last_json_block(text) or "{}").failed)
    except ValidationError:
        return False
