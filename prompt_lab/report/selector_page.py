"""The web app's page of the selector: exploration over time, leaders, variants by model."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

from prompt_lab.clock import read_time
from prompt_lab.report.html import render_served
from prompt_lab.report.registry_page import Viewer

SPANS: Final = 30
WIDTH, HEIGHT, LEFT, TOP, BELOW = 900, 190, 48, 12, 26
LATEST: Final = 30


class SelectorFacts(NamedTuple):
    """What the page shows: rows of selection.jsonl, oldest first, and what stands beside them.

    `bound` is the largest share of explored choices, in [0, 1]; `paused` prompt id -> texts.
    """

    rows: Sequence[Mapping[str, Any]]
    bound: float
    switches: Sequence[Any]
    paused: Mapping[str, Sequence[Any]]
    pareto: Sequence[Any]


class ExplorationBar(NamedTuple):
    """The choices of one span of time, as drawn in pixels."""

    x: float
    y: float
    width: float
    height: float
    title: str


class ExplorationChart(NamedTuple):
    """The share of explored choices over time, with its bound."""

    width: int
    height: int
    bottom: float
    bound: float
    bound_label: str
    bars: tuple[ExplorationBar, ...]
    first: str
    last: str


class _Choice(NamedTuple):
    when: datetime
    prompt_id: str
    group: str
    variant: str
    leader: str
    reason: str
    explored: bool
    confidence: float


class GroupSummary(NamedTuple):
    """The choices of one group: its leader now, and how often another one was tried."""

    prompt_id: str
    group: str
    leader: str
    confidence: float
    choices: int
    explored: float
    changes: int


def render_selector(viewer: Viewer, facts: SelectorFacts) -> str:
    """The page. Rows that are no choices are left out."""
    choices = [one for row in facts.rows if (one := _read(row)) is not None]
    explored = sum(one.explored for one in choices)
    return render_served(
        "selector.html.j2",
        title="Selector",
        viewer=viewer,
        total=len(choices),
        explored_share=explored / len(choices) if choices else None,
        bound=facts.bound,
        chart=draw_exploration(choices, facts.bound) if choices else None,
        groups=_sum_up(choices),
        latest=choices[: -LATEST - 1 : -1],
        switches=facts.switches,
        paused=facts.paused,
        pareto=facts.pareto,
    )


def draw_exploration(choices: Sequence[Any], bound: float) -> ExplorationChart:
    """One bar for each of SPANS equal spans of time that has choices."""
    begin, end = min(one.when for one in choices), max(one.when for one in choices)
    seconds = max((end - begin).total_seconds(), 1.0)
    spans: list[list[Any]] = [[] for _ in range(SPANS)]
    for one in choices:
        at = int((one.when - begin).total_seconds() / seconds * SPANS)
        spans[min(at, SPANS - 1)].append(one)
    shares = [sum(o.explored for o in span) / len(span) if span else 0.0 for span in spans]
    top = max(2 * bound, *shares, 0.02)
    plot, each = HEIGHT - TOP - BELOW, (WIDTH - LEFT - 8) / SPANS
    bars = []
    for place, (span, share) in enumerate(zip(spans, shares, strict=True)):
        if span:
            tall = max(1.0, plot * share / top)
            count = sum(one.explored for one in span)
            bars.append(
                ExplorationBar(
                    x=round(LEFT + each * place + 1, 1),
                    y=round(TOP + plot - tall, 1),
                    width=round(each - 2, 1),
                    height=round(tall, 1),
                    title=f"{span[0].when:%Y-%m-%d %H:%M}: {count} of {len(span)} explored",
                )
            )
    return ExplorationChart(
        WIDTH,
        HEIGHT,
        TOP + plot,
        round(TOP + plot - plot * bound / top, 1),
        f"{bound * 100:g} %",
        tuple(bars),
        f"{begin:%Y-%m-%d %H:%M}",
        f"{end:%Y-%m-%d %H:%M}",
    )


def _sum_up(choices: Sequence[_Choice]) -> list[GroupSummary]:
    groups: dict[tuple[str, str], list[_Choice]] = {}
    for one in choices:
        groups.setdefault((one.prompt_id, one.group), []).append(one)
    found = []
    for (prompt_id, group), several in sorted(groups.items()):
        pairs = pairwise(several)
        found.append(
            GroupSummary(
                prompt_id,
                group,
                several[-1].leader,
                several[-1].confidence,
                len(several),
                sum(one.explored for one in several) / len(several),
                sum(one.leader != other.leader for one, other in pairs),
            )
        )
    return found


def _read(row: Mapping[str, Any]) -> _Choice | None:
    try:
        return _Choice(
            when=read_time(str(row["when"])),
            prompt_id=str(row["prompt_id"]),
            group=str(row["group"]),
            variant=str(row["variant"]),
            leader=str(row["leader"]),
            reason=str(row["reason"]),
            explored=row["explored"] is True,
            confidence=float(row["confidence"]),
        )
    except (KeyError, ValueError, TypeError):
        return None
