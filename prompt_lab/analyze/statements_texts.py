"""Findings about texts: template locks, phrases, repeats, placeholders, copies, lengths."""

from collections.abc import Iterable, Iterator

from prompt_lab.analyze.duplicates import counts, folded, gap, inner, moves
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.markdown import cut_line
from prompt_lab.analyze.model import Metrics, SharedWords, SideStats
from prompt_lab.analyze.text_metrics import times
from prompt_lab.names import Side, count

PLANS = 5
NOTABLE = 1.2
"""Outputs that got longer by at least this factor get a finding."""


def openers(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Template locks that are new, gone or unchanged, and those that moved to other words."""
    for gone, new in moves(metrics.openers):
        yield AnalystFinding(
            kind="opener_moved",
            text=f"{gone.model} no longer begins {gone.field!r} with {gone.phrase!r} on "
            f"{gone.plan or 'all plans'}, but with {new.phrase!r}: the lock moved.",
            evidence=(
                f"{gone.phrase!r}: {counts(gone)} ({gone.path})",
                f"{new.phrase!r}: {counts(new)} ({new.path})",
            ),
            side=Side.CANDIDATE,
            model=gone.model,
            about=new.phrase,
            weight=min(1.0, new.share(Side.CANDIDATE)),
        )
    yield from _shared("opener", "begin with", metrics.openers)


def phrases(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Phrases that only one side repeats."""
    yield from _shared("phrase", "say", inner(metrics))


def duplicates(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Texts that nearly repeat another."""
    for group in metrics.duplicates:
        where = group.plan or "different plans"
        yield AnalystFinding(
            kind="duplicate",
            text=f"{group.count} of {group.total} texts of {group.field!r} by {group.model} nearly "
            f"repeat another one on {where} ({group.side}): {cut_line(group.second, 160)!r}",
            evidence=(f"{group.count} of {group.total} ({group.path})",),
            side=group.side,
            model=group.model,
            weight=group.count / group.total,
        )


def placeholders(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Placeholders that were not filled in."""
    for left in metrics.placeholders:
        source = " as the prompt has it" if left.in_prompt else ""
        yield AnalystFinding(
            kind="placeholder",
            text=f"{left.model} left {left.text!r} in {left.field!r}{source} ({left.side}).",
            evidence=(f"{left.count} texts ({left.path})",),
            side=left.side,
            model=left.model,
            weight=min(1.0, left.count / max(1, _runs(metrics, left.side))),
        )


def copied_findings(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Words and values of the prompt in the answers."""
    for copy in metrics.copied:
        what = "answered with a value of the prompt" if copy.value else "repeated the prompt"
        yield AnalystFinding(
            kind="copied",
            text=f"{copy.model} {what} in {copy.field!r} ({copy.side}): "
            f"{cut_line(copy.phrase, 160)!r}",
            evidence=(f"{copy.count} of {copy.total} texts ({copy.path})",),
            side=copy.side,
            model=copy.model,
            weight=copy.count / copy.total,
        )


def identical(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Pairs with equal outputs on both sides."""
    for same in metrics.identical:
        yield AnalystFinding(
            kind="identical",
            text=f"{same.model} gave the same outputs on both sides in {same.count} of "
            f"{count(same.pairs, 'pair')}.",
            evidence=(f"{same.count} of {same.pairs} ({same.path})",),
            model=same.model,
            weight=same.count / same.pairs,
        )


def lengths(metrics: Metrics) -> Iterator[AnalystFinding]:
    """Models whose outputs became notably longer or shorter."""
    for one in metrics.lengths:
        if one.field or not one.ratio or 1 / NOTABLE <= one.ratio <= NOTABLE:
            continue
        yield AnalystFinding(
            kind="length",
            text=f"Outputs of {one.model} are {times(one.ratio)} as long as before.",
            evidence=(f"{one.baseline_chars:.0f} -> {one.candidate_chars:.0f} characters a run",),
            model=one.model,
            weight=min(1.0, abs(one.ratio - 1) / 2),
        )


def _shared(kind: str, verb: str, found: Iterable[SharedWords]) -> Iterator[AnalystFinding]:
    for head, plans in folded(found):
        widest = max((head, *plans), key=lambda one: abs(gap(one)))
        compared = head.baseline_total and head.candidate_total
        yield AnalystFinding(
            kind=kind,
            text=f"Texts of {head.field!r} by {head.model} {verb} {head.phrase!r}.",
            evidence=tuple(
                f"{one.plan or 'all plans'}: {counts(one)} ({one.path})"
                for one in (head, *plans[:PLANS])
            ),
            side=Side.CANDIDATE if gap(head) > 0 else Side.BASELINE,
            model=head.model,
            about=head.phrase,
            says=("better" if gap(widest) < 0 else "worse")
            if compared and kind == "opener"
            else "",
            weight=abs(gap(widest)) if compared else max(map(head.share, Side)),
        )


def _runs(metrics: Metrics, side: Side) -> int:
    totals = metrics.totals
    stats: SideStats | None = totals.baseline if side is Side.BASELINE else totals.candidate
    return stats.n if stats else 1
