"""code_metrics.md: the review for a reader, and its findings in a block that is parsed."""

from collections.abc import Iterator

from prompt_lab.analyze.findings import AnalystFinding, render_findings
from prompt_lab.analyze.markdown import block, page, plain_line, section, cut_line, table
from prompt_lab.analyze.numbers import count, ratio, times
from prompt_lab.analyze.review_model import Review
from prompt_lab.names import Side

LONGER, MUCH = 1.5, 100
"""Times longer, and tokens more, from which on a prompt's growth is a finding."""
MOST = 10


def render_review(review: Review) -> str:
    """The page. Read its findings back with `parse_findings`."""
    found = review_findings(review)
    points = "\n".join(f"- {plain_line(one.text, 400)}" for one in found) or "- Nothing to object to."
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
    """What a reviewer would object to, the worst first."""
    found = (*_leaks(review), *_lost_findings(review), *_against(review), *_hard(review), *_growth_findings(review))
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
        (plain_line(one.kind), plain_line(one.text, 200), "inherited" if one in review.inherited else "new")
        for one in review.contradictions
    ]
    rows += [(plain_line(one.kind), plain_line(one.text, 200), "resolved") for one in review.resolved]
    return table(("what", "where they differ", ""), rows)
