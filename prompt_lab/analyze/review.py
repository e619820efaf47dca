"""Review a change for the analyst `metrics`: what it does to prompt, schema and code."""

from collections.abc import Iterator, Sequence

from pydantic import Field

from prompt_lab.analyze.contract import Contradiction, contradictions
from prompt_lab.analyze.diffs import FileDiff, HardWord, file_diffs, hard_words
from prompt_lab.analyze.findings import AnalystFinding, render_findings
from prompt_lab.analyze.findings import parse_findings as parse_review
from prompt_lab.analyze.leaks import Leak, leaks
from prompt_lab.analyze.markdown import block, cut_line, page, plain_line, section, table
from prompt_lab.analyze.text_metrics import count, ratio, times
from prompt_lab.analyze.words import estimated_tokens, tokens
from prompt_lab.names import Side
from prompt_lab.prompts.text import placeholders
from prompt_lab.records import Change, PlanText, PromptVersion, Record


class Size(Record):
    """How long a prompt is. Tokens are estimated from its bytes."""

    characters: int
    words: int
    tokens: int


class Review(Record):
    """The result of a review."""

    version: int = 1
    change: Change
    diff: str
    files: tuple[FileDiff, ...]
    before: Size
    after: Size
    placeholders_lost: tuple[str, ...]
    placeholders_gained: tuple[str, ...]
    leaks: tuple[Leak, ...]
    contradictions: tuple[Contradiction, ...] = Field(description="of the candidate")
    inherited: tuple[Contradiction, ...] = Field(description="those that the baseline has too")
    resolved: tuple[Contradiction, ...] = Field(description="the baseline's that are gone")
    hard_words: tuple[HardWord, ...]


LONGER, MUCH = 1.5, 100
"""A prompt that grew by at least this factor and this many tokens gets a finding."""
MOST = 10


def render_review(review: Review) -> str:
    """The page. Read its findings back with `parse_findings`."""
    found = review_findings(review)
    points = (
        "\n".join(f"- {plain_line(one.text, 400)}" for one in found) or "- Nothing to object to."
    )
    return page(
        f"# Code review (metrics): {plain_line(review.change.title)}",
        f"{plain_line(review.change.branch)} at {review.change.commit[:12]}, by "
        f"{plain_line(review.change.strategy)}. {plain_line(review.change.description, 400)}",
        section("Points", points),
        section("Size", _files(review), _lengths(review)),
        section("Prompt and schema", _contradictions(review)),
        section("Diff", block(review.diff.rstrip("\n"), "diff") if review.diff.strip() else ""),
        section("Findings", render_findings(found)),
    )


def review_findings(review: Review) -> tuple[AnalystFinding, ...]:
    """The objections to the change, the worst first."""
    found = (
        *_leaks(review),
        *_lost_findings(review),
        *_against(review),
        *_hard(review),
        *_growth_findings(review),
    )
    return tuple(sorted(found, key=lambda one: -one.weight))


def _leaks(review: Review) -> Iterator[AnalystFinding]:
    for leak in review.leaks[:MOST]:
        yield _finding(
            "leak",
            f"The prompt holds text of the verify plan {leak.plan!r} ({leak.source}): "
            f"{cut_line(leak.text, 160)!r}",
            f"{len(review.leaks)} such places",
            weight=1.0,
        )


def _lost_findings(review: Review) -> Iterator[AnalystFinding]:
    for name in review.placeholders_lost:
        yield _finding("placeholder_lost", f"The placeholder {{{name}}} is gone.", "", weight=1.0)
    for name in review.placeholders_gained:
        yield _finding("placeholder_gained", f"The placeholder {{{name}}} is new.", "", weight=0.6)


def _against(review: Review) -> Iterator[AnalystFinding]:
    for one in review.contradictions:
        old = one in review.inherited
        where = "in the baseline too" if old else "new with this change"
        yield _finding(
            "contradiction", f"{one.text} ({where})", one.kind, weight=0.4 if old else 0.8
        )


def _hard(review: Review) -> Iterator[AnalystFinding]:
    for one in review.hard_words[:MOST]:
        yield _finding(
            "hard_coded_words",
            f"Text is compared with words of one language: {cut_line(one.literal, 80)!r}",
            f"{one.path}:{one.line} {cut_line(one.code, 120)}",
            weight=0.7,
        )


def _growth_findings(review: Review) -> Iterator[AnalystFinding]:
    before, after = review.before, review.after
    if after.tokens > max(LONGER * before.tokens, before.tokens + MUCH):
        yield _finding(
            "prompt_length",
            f"The prompt is {times(ratio(before.tokens, after.tokens))} as long as before.",
            f"about {before.tokens} -> {after.tokens} tokens",
            weight=0.3,
        )


def _finding(kind: str, text: str, evidence: str, *, weight: float) -> AnalystFinding:
    return AnalystFinding(
        kind=kind,
        text=text,
        evidence=(evidence,) if evidence else (),
        side=Side.CANDIDATE,
        weight=weight,
    )


def _files(review: Review) -> str:
    rows = [(plain_line(one.path), f"+{one.added}", f"-{one.removed}") for one in review.files]
    total = (
        "all",
        f"+{sum(one.added for one in review.files)}",
        f"-{sum(one.removed for one in review.files)}",
    )
    return table(("file", "added", "removed"), [*rows, total])


def _lengths(review: Review) -> str:
    before, after = review.before, review.after
    rows = [
        ("characters", count(before.characters), count(after.characters)),
        ("words", count(before.words), count(after.words)),
        ("tokens, estimated", count(before.tokens), count(after.tokens)),
    ]
    return table(("prompt", "before", "after"), rows)


def _contradictions(review: Review) -> str:
    rows = [
        (
            plain_line(one.kind),
            plain_line(one.text, 200),
            "inherited" if one in review.inherited else "new",
        )
        for one in review.contradictions
    ]
    rows += [
        (plain_line(one.kind), plain_line(one.text, 200), "resolved") for one in review.resolved
    ]
    return table(("what", "where they differ", ""), rows)


__all__ = ["Review", "parse_review", "render_review", "review"]


def review(
    change: Change,
    before: PromptVersion,
    after: PromptVersion,
    diff: str,
    *,
    train: Sequence[PlanText],
    verify: Sequence[PlanText],
) -> Review:
    """Review a change from both prompts, the diff (unified) and the texts of all plans."""
    old, new = placeholders(before.text), placeholders(after.text)
    known, found = contradictions(before), contradictions(after)
    return Review(
        change=change,
        diff=diff,
        files=file_diffs(diff),
        before=size(before.text),
        after=size(after.text),
        placeholders_lost=tuple(sorted(old - new)),
        placeholders_gained=tuple(sorted(new - old)),
        leaks=leaks(
            f"{before.text}\n{before.schema_text}",
            f"{after.text}\n{after.schema_text}",
            train,
            verify,
        ),
        contradictions=found,
        inherited=tuple(one for one in found if one in known),
        resolved=tuple(one for one in known if one not in found),
        hard_words=hard_words(diff),
    )


def size(text: str) -> Size:
    """How long a text is.

    >>> size("Two words.")
    Size(characters=10, words=2, tokens=3)
    """
    return Size(characters=len(text), words=len(tokens(text)), tokens=estimated_tokens(text))
