"""The chart of scores over iterations: the level of the target, and each candidate's score."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from prompt_lab.report.view import LedgerEntry
from prompt_lab.report.words import MARKS, points, score

HEIGHT = 190
"""Height of the plot in pixels; the row of verdicts is below it."""
LANE = 44
TOP = 12
LEAST = 0.3
"""The smallest range of scores that is drawn, so that tiny differences look tiny."""
NARROWEST, EDGES = 24, 60
"""Pixels that an iteration takes at least, and those of the labels at both sides (parts.css)."""


class Mark(NamedTuple):
    """One iteration: x in percent of the width, y in pixels; what was not measured is None."""

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


class Segment(NamedTuple):
    """A horizontal or vertical piece of the level: x in percent of the width, y in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


class Chart(NamedTuple):
    """One step's picture, as wide as its page; `least` is the width in pixels that it needs."""

    step: str
    least: int
    height: int
    plot: int
    lines: tuple[LevelLine, ...]
    level: tuple[Segment, ...]
    marks: tuple[Mark, ...]


def charts(entries: Sequence[LedgerEntry]) -> tuple[Chart, ...]:
    """One picture per step, in the order of the steps' first iterations."""
    ordered = sorted(entries, key=lambda entry: entry.iteration)
    steps = dict.fromkeys(entry.step for entry in ordered)
    return tuple(chart(step, [e for e in ordered if e.step == step]) for step in steps)


def chart(step: str, entries: Sequence[LedgerEntry]) -> Chart:
    """The picture of one step; `entries` by number."""
    each = 100 / len(entries)
    scored = any(v is not None for entry in entries for v in (entry.baseline, entry.candidate))
    plot = HEIGHT if scored else 0
    scale = _Scale.fit(entries, plot)
    marks = tuple(_mark(entry, each * i, each, scale) for i, entry in enumerate(entries))
    least = EDGES + NARROWEST * len(entries)
    lines = scale.lines() if scored else ()
    level = _level(entries, marks)
    return Chart(step, least, TOP + plot + LANE, TOP + plot, lines, level, marks)


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
        x=round(left + width / 2, 3),
        left=round(left, 3),
        width=round(width, 3),
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


def _level(entries: Sequence[LedgerEntry], marks: Sequence[Mark]) -> tuple[Segment, ...]:
    """The line through the baselines, up to a merged candidate, and down again after a revert.

    If other merges followed, no score shows the rest; the next baseline will.
    """
    points: list[tuple[float, float]] = []
    last: tuple[LedgerEntry, Mark] | None = None
    for entry, mark in zip(entries, marks, strict=True):
        if mark.base is None:
            continue
        if points:
            points.append((mark.left, points[-1][1]))
        points += [(mark.left, mark.base), (mark.x, mark.base)]
        if entry.merged and mark.dot is not None:
            points.append((mark.x, mark.dot))
            last = entry, mark
        points.append((round(mark.left + mark.width, 3), points[-1][1]))
        if last is not None and last[0].reverted_after == entry.iteration:
            points.append((points[-1][0], last[1].base or 0.0))
    return tuple(Segment(*one, *other) for one, other in pairwise(points) if one != other)
