"""The chart of scores over iterations: the level of the target, and each candidate's score."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.report.view import LedgerEntry
from prompt_lab.report.words import MARKS, points, score

HEIGHT = 190
"""Height of the plot in pixels; the row of verdicts is below it."""
LANE = 44
LEFT, TOP, RIGHT = 44, 12, 16
LEAST = 0.3
"""The smallest range of scores that is drawn, so that tiny differences look tiny."""
WIDEST, NARROWEST, WHOLE = 76, 24, 900
"""Pixels per iteration, and the width for all of them if they fit."""
FEWEST = 280
"""The smallest width in pixels, for a chart of few iterations."""


class Mark(NamedTuple):
    """One iteration: positions in pixels; what was not measured is None."""

    iteration: int
    x: float
    left: float
    width: float
    base: float | None
    dot: float | None
    low: float | None
    high: float | None
    outcome: str
    sign: str
    link: str
    title: str


class LevelLine(NamedTuple):
    """A labelled level of the score."""

    y: float
    label: str


class Chart(NamedTuple):
    """One step's picture. `level` is an SVG path, '' where no score is known."""

    step: str
    width: int
    height: int
    plot: int
    lines: tuple[LevelLine, ...]
    level: str
    marks: tuple[Mark, ...]


def charts(entries: Sequence[LedgerEntry]) -> tuple[Chart, ...]:
    """One picture per step, in the order of the steps' first iterations."""
    ordered = sorted(entries, key=lambda entry: entry.iteration)
    steps = dict.fromkeys(entry.step for entry in ordered)
    return tuple(chart(step, [e for e in ordered if e.step == step]) for step in steps)


def chart(step: str, entries: Sequence[LedgerEntry]) -> Chart:
    """The picture of one step; `entries` by number."""
    each = max(NARROWEST, min(max(WIDEST, FEWEST / len(entries)), WHOLE / len(entries)))
    scored = any(v is not None for entry in entries for v in (entry.baseline, entry.candidate))
    plot = HEIGHT if scored else 0
    scale = _Scale.fit(entries, plot)
    marks = tuple(_mark(entry, LEFT + each * i, each, scale) for i, entry in enumerate(entries))
    width = round(LEFT + each * len(entries) + RIGHT)
    lines = scale.lines() if scored else ()
    level = _level(entries, marks)
    return Chart(step, width, TOP + plot + LANE, TOP + plot, lines, level, marks)


class _Scale(NamedTuple):
    low: float
    high: float
    plot: int

    @classmethod
    def fit(cls, entries: Sequence[LedgerEntry], plot: int) -> "_Scale":
        values = [v for e in entries for v in (e.baseline, e.candidate, *_ends(e)) if v is not None]
        low, high = min(values, default=0.0), max(values, default=1.0)
        top = min(1.0, high // 0.1 / 10 + 0.1)
        return cls(max(0.0, min(low // 0.1 / 10, top - LEAST)), top, plot)

    def y(self, value: float | None) -> float | None:
        if value is None:
            return None
        share = (value - self.low) / max(self.high - self.low, 0.1)
        return round(TOP + self.plot * (1 - min(1.0, max(0.0, share))), 1)

    def lines(self) -> tuple[LevelLine, ...]:
        span = round((self.high - self.low) * 10)
        step = 1 if span <= 5 else 2
        values = [self.low + n / 10 for n in range(0, span + 1, step)]
        return tuple(LevelLine(self.y(value) or 0.0, score(value)) for value in values)


def _mark(entry: LedgerEntry, left: float, width: float, scale: _Scale) -> Mark:
    low, high = _ends(entry)
    return Mark(
        iteration=entry.iteration,
        x=round(left + width / 2, 1),
        left=round(left, 1),
        width=round(width, 1),
        base=scale.y(entry.baseline),
        dot=scale.y(entry.candidate),
        low=scale.y(low),
        high=scale.y(high),
        outcome=entry.outcome.value if entry.outcome else "",
        sign=MARKS[entry.outcome] if entry.outcome else "·",
        link=entry.report,
        title=_title(entry),
    )


def _ends(entry: LedgerEntry) -> tuple[float | None, float | None]:
    """The effect's interval as scores of the candidate."""
    if entry.baseline is None or entry.low is None or entry.high is None:
        return None, None
    return entry.baseline + entry.low, entry.baseline + entry.high


def _title(entry: LedgerEntry) -> str:
    parts = [f"{entry.iteration}: {entry.title or entry.step}"]
    if entry.ended is not None:
        parts.append("{} of {} runs ended without an error".format(*entry.ended))
    parts.append(entry.outcome.value if entry.outcome else "no verdict recorded")
    if entry.baseline is not None and entry.candidate is not None:
        parts.append(f"{score(entry.baseline)} → {score(entry.candidate)}")
    if entry.effect is not None:
        parts.append(f"{points(entry.effect)} points")
    if entry.merged:
        parts.append("merged")
    if entry.reverted:
        parts.append(f"reverted in {entry.reverted}")
    return "\n".join(parts)


def _level(entries: Sequence[LedgerEntry], marks: Sequence[Mark]) -> str:
    """The line through the baselines, up to a merged candidate, and down again after a revert.

    If other merges followed, no score shows the rest; the next baseline will.
    """
    moves: list[str] = []
    last: tuple[LedgerEntry, Mark] | None = None
    for entry, mark in zip(entries, marks, strict=True):
        if mark.base is None:
            continue
        start = f"H{mark.left:g}V{mark.base:g}" if moves else f"M{mark.left:g} {mark.base:g}"
        moves.append(f"{start}H{mark.x:g}")
        if entry.merged and mark.dot is not None:
            moves.append(f"V{mark.dot:g}")
            last = entry, mark
        moves.append(f"H{mark.left + mark.width:g}")
        if last is not None and last[0].reverted_after == entry.iteration:
            moves.append(f"V{last[1].base:g}")
    return "".join(moves)
