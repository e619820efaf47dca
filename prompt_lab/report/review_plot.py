"""Plots of the review pages: cost of a session over the reviews, and versions before and after."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from prompt_lab.report.axis import Axis, Bar, Effect, axis
from prompt_lab.report.words import money
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import VersionUsage

HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 150, 64, 14, 34, 18
EACH, LEAST_WIDTH, MOST_WIDTH = 34, 300, 1180
DATES = 9
"""At most so many dates below the plot."""
SHOWN_VERSIONS = 12


class CostMark(NamedTuple):
    """One review: position in pixels, and where it leads."""

    x: float
    y: float
    session_id: str
    status: str
    date: str
    title: str


class CostLine(NamedTuple):
    """A labelled level."""

    y: float
    label: str


class CostPlot(NamedTuple):
    """Average cost of a session at each review; `path` joins the marks."""

    width: int
    height: int
    lines: tuple[CostLine, ...]
    marks: tuple[CostMark, ...]
    path: str


class VersionBar(NamedTuple):
    """What a session cost under one prompt version; `width` in percent of the dearest."""

    version: str
    cost: str
    width: float
    sessions: int
    failed: str
    thumbs: str
    first: str
    last: str


class MeasuredChange(NamedTuple):
    """A measure before and after. `unit` %: relative change; points: difference of two rates."""

    name: str
    before: str
    after: str
    change: float
    interval: tuple[float, float] | None
    is_worse: bool
    unit: Literal["%", "points"]


class MeasuredVersionChange(NamedTuple):
    """Two versions of a prompt in production; observational."""

    prompt: str
    before: str
    after: str
    sessions_before: int
    sessions_after: int
    changes: tuple[MeasuredChange, ...]


class ChangePlot(NamedTuple):
    """A version's changes on one scale; less is better for each measure."""

    versions: MeasuredVersionChange
    axis: Axis
    rows: tuple[tuple[MeasuredChange, Bar], ...]


def plot_costs(sessions: Sequence[ReviewSession]) -> CostPlot | None:
    """None with fewer than two reviews whose cost is known. Any order."""
    known = sorted(
        (one for one in sessions if one.average_cost_usd is not None), key=lambda s: s.created_at
    )
    if len(known) < 2:
        return None
    costs = [one.average_cost_usd or 0.0 for one in known]
    top = _round_up(max(costs)) or 1.0
    width = max(LEAST_WIDTH, min(MOST_WIDTH, LEFT + RIGHT + EACH * (len(known) - 1)))
    step = (width - LEFT - RIGHT) / (len(known) - 1)
    every = -(-len(known) // max(2, min(DATES, width // 90)))
    marks = tuple(
        CostMark(
            x=round(LEFT + step * at, 1),
            y=_y(cost, top),
            session_id=one.id,
            status=one.status.value,
            date=one.created_at[5:10] if (len(known) - 1 - at) % every == 0 else "",
            title=_title(one, cost),
        )
        for at, (one, cost) in enumerate(zip(known, costs, strict=True))
    )
    path = "M" + "L".join(f"{mark.x:g} {mark.y:g}" for mark in marks)
    lines = tuple(CostLine(_y(top * n / 2, top), money(top * n / 2)) for n in range(3))
    return CostPlot(width, TOP + HEIGHT + BOTTOM, lines, marks, path)


def plot_versions(usage: Sequence[VersionUsage]) -> tuple[VersionBar, ...]:
    """The latest versions, oldest first."""
    shown = [one for one in usage if one.sessions][-SHOWN_VERSIONS:]
    costs = [one.cost_usd / one.sessions for one in shown]
    top = max(costs, default=0.0)
    return tuple(
        VersionBar(
            version=one.prompt_version or "not recorded",
            cost=money(cost),
            width=round(100 * cost / top, 2) if top > 0 else 0.0,
            sessions=one.sessions,
            failed=f"{one.failed_tools:,} of {one.tool_calls:,}" if one.tool_calls else "–",
            thumbs=f"{one.thumbs_up:,} up, {one.thumbs_down:,} down",
            first=one.first,
            last=one.last,
        )
        for one, cost in zip(shown, costs, strict=True)
    )


def plot_change(change: MeasuredVersionChange) -> ChangePlot:
    """The changes with their intervals on one scale, of which zero is a part."""
    effects = [
        Effect(one.name, one.change, *(one.interval or (None, None))) for one in change.changes
    ]
    scale = axis(effects)
    rows = tuple(
        (one, scale.bar(effect)._replace(words=describe_change(one), tone=_tone(one)))
        for one, effect in zip(change.changes, effects, strict=True)
    )
    return ChangePlot(change, scale, rows)


def describe_change(change: MeasuredChange) -> str:
    """In words.

    >>> cost = MeasuredChange("cost", "$0.06", "$0.04", -0.3, (-0.41, -0.17), False, "%")
    >>> describe_change(cost)
    '-30.0 %, interval -41.0 to -17.0 %'
    """
    if change.interval is None:
        return f"{change.change * 100:+.1f} {change.unit}"
    low, high = (one * 100 for one in change.interval)
    return f"{change.change * 100:+.1f} {change.unit}, interval {low:+.1f} to {high:+.1f}" + (
        " %" if change.unit == "%" else ""
    )


def _tone(change: MeasuredChange) -> str:
    if change.interval is None:
        return "open"
    if change.interval[1] < 0:
        return "better"
    return "worse" if change.interval[0] > 0 else "open"


def _title(session: ReviewSession, cost: float) -> str:
    words = (
        f"{session.created_at[:10]}: {money(cost)} per session, {session.session_count} sessions"
    )
    if session.status is SessionStatus.PENDING:
        return words
    return f"{words}, {session.status.value.replace('_', ' ')}"


def _y(value: float, top: float) -> float:
    return round(TOP + HEIGHT * (1 - value / top), 1)


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.

    >>> _round_up(0.044), _round_up(0.0)
    (0.05, 0.0)
    """
    if value <= 0:
        return 0.0
    power = 10.0 ** (len(str(int(1 / value))) * -1 if value < 1 else len(str(int(value))) - 1)
    found = next((n for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if n * power >= value * 0.999), 10)
    return float(f"{found * power:.6g}")
