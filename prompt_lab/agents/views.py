"""What an analyst answered, checked: taken as findings, kept as text, or sent back."""

import re
from collections.abc import Sequence

from pydantic import ConfigDict, Field, ValidationError

from prompt_lab.agents.refusals import Fault, Refusal
from prompt_lab.agents.requests import bad_block
from prompt_lab.analyze.findings import AnalystFinding, render_findings
from prompt_lab.analyze.markdown import (
    block,
    json_block,
    last_json_block,
    page,
    plain_line,
    section,
)
from prompt_lab.analyze.words import line, tokens, visible
from prompt_lab.records import Record

MOST_FINDINGS = 50
"""Of one answer; every one is compared with those of the others."""
_LETTER = re.compile(r"[^\W\d]")
_NUMBER = re.compile(r"(?<![^\W\d])(?<!\d)\d")
_QUOTED = re.compile(r"(?<!\w)(?:'(.+?)'|\"(.+?)\"|`(.+?)`|\u201c(.+?)\u201d)(?!\w)")
_FILE = re.compile(r"[\w./-]+\.\w+")
_RUN = re.compile(
    r"history/\d+/[\w-]+/outputs/[^\s`'\"()\[\],;:]+?(?=[.?!]*(?:[\s`'\"()\[\],;:]|$))"
)
_KEPT = (Refusal.NO_BLOCK, Refusal.BAD_BLOCK)


class _Findings(Record):
    model_config = ConfigDict(frozen=True, extra="forbid")

    findings: tuple[AnalystFinding, ...] = Field(min_length=1)


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
        example = runs[0] if runs else "the path of a run"
        text = (
            f"finding {bare[0].text[:80]!r} cites no number together with the path of a run. "
            f"A line of its evidence has this form: '3 of 4 ({example})'"
        )
        return Fault(code=Refusal.NO_EVIDENCE, text=text)
    return None


def _is_shown(evidence: Sequence[str], runs: Sequence[str]) -> bool:
    """Whether a line of evidence has a run that there is, and a number beside it."""
    return any(_cites(text, run) for text in evidence for run in runs if run in text)


def backed(
    found: Sequence[AnalystFinding], runs: Sequence[str], source: str
) -> tuple[AnalystFinding, ...]:
    """The findings of a review, each with those lines of evidence alone that are there.

    Such a line cites a run as an insight's does, or quotes words of `source`: the change, and the
    texts that it changes. One that quotes nothing names a file that stands there. A finding that
    cites a run that does not exist, and has no line that is there, is left out.
    """
    words = line(tokens(visible(source)))
    shown = (
        one.model_copy(
            update={"evidence": tuple(e for e in one.evidence if _stands(e, runs, words))}
        )
        for one in found
    )
    return tuple(
        after
        for before, after in zip(found, shown, strict=True)
        if after.evidence or not any(_cites_unknown_run(e, runs) for e in before.evidence)
    )


def _cites_unknown_run(text: str, runs: Sequence[str]) -> bool:
    """Whether a text names the folder of a run that is none of `runs`."""
    return any(
        not any(path == run or path.startswith(f"{run}/") for run in runs)
        for path in _RUN.findall(visible(text))
    )


def _stands(evidence: str, runs: Sequence[str], source: str) -> bool:
    if _cites_unknown_run(evidence, runs):
        return False
    if _is_shown([evidence], runs):
        return True
    quotes = [tokens(visible(quote)) for quote in _quoted(evidence)]
    names = (
        []
        if any(quotes)
        else [tokens(name.removeprefix("target/")) for name in _FILE.findall(evidence)]
    )
    return any(parts and line(parts) in source for parts in (*quotes, *names))


def _quoted(text: str) -> list[str]:
    return ["".join(parts) for parts in _QUOTED.findall(text)]


def _cites(text: str, run: str) -> bool:
    """Whether the run, or a file in it, is a whole path of the text, and a number stands there.

    A longer path that only holds the run's is another one. Runs lie in an analyst's copy in runs/.
    """
    within = r"(?:/[\w-][\w.-]*)*/?(?![\w/-]|\.[\w.])"
    path = re.compile(rf"(?<![\w./\\-])(?:\./)?(?:runs/)?{re.escape(run)}{within}")
    rest, cited = path.subn(" ", text)
    words = (word for word in rest.split() if "/" not in word or not _LETTER.search(word))
    return cited > 0 and any(_NUMBER.search(word) for word in words)


def rendered(title: str, text: str, faults: Sequence[Fault], note: str = "") -> str:
    """The analyst's page; `faults` are those that its last answer still has.

    An answer that only lacks its block is kept as text, and marked so; one that lacks evidence, or
    that never came, is recorded as failed.
    """
    if not faults:
        return page(f"# {title}", note, *_accept_answer(text.strip()))
    reasons = "\n".join(f"- `{one.code}`: {plain_line(one.text, 300)}" for one in faults)
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


def _accept_answer(text: str) -> tuple[str, ...]:
    """An answer that is taken; of too many findings the first ones, and the answer as it came."""
    try:
        found = _Findings.model_validate_json(last_json_block(text) or "").findings
    except ValidationError:  # a key that was taken out of it may leave no JSON
        return (text,)
    if len(found) <= MOST_FINDINGS:
        return (text,)
    return (
        f"It has {len(found)} findings: only the first {MOST_FINDINGS} of them are read.",
        section("What was said", block(text)),
        section("What is read", render_findings(found[:MOST_FINDINGS])),
    )


def is_failed(text: str) -> bool:
    """Whether a page is one of an analyst that failed."""
    try:
        return bool(Failed.model_validate_json(last_json_block(text) or "{}").failed)
    except ValidationError:
        return False
