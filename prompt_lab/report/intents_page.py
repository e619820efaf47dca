"""The page of asking by parts: what trials decided, and intent graphs with answers and evidence."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from prompt_lab.report.html import render, render_served
from prompt_lab.report.registry_page import Viewer

WIDTH = 340
LEFT = 64
BOX = 252
ROW = 58
HEIGHT = 46
LONGEST = 34
"""Characters of a part in its box; its table row has all of it."""
LONGEST_VARIABLE = 9


class GraphPart(NamedTuple):
    """One part of a query, with its answer and evidence."""

    id: str
    kind: str
    text: str
    prompt_family: str
    answer: str
    confidence: float
    error: str
    sources: tuple[str, ...]
    prompt_id: str = ""
    snapshot: str = ""


class GraphLink(NamedTuple):
    """A variable that one part takes from another one."""

    source: str
    target: str
    variable: str
    binding: str


class GraphView(NamedTuple):
    """A query that was asked by parts."""

    name: str
    query: str
    reason: str
    is_split: bool
    parts: tuple[GraphPart, ...]
    links: tuple[GraphLink, ...]
    answer: str
    fallback_used: bool
    conflicts: tuple[tuple[str, str, str], ...]
    """(code, what was found, node whose words stand)."""


class PlotBox(NamedTuple):
    """A box of the drawing, at (x, y), and its two lines of text."""

    y: int
    head: str
    text: str
    title: str
    style: str


class PlotArrow(NamedTuple):
    """A path of the drawing, with a label at (LEFT, label_y) where it has one."""

    path: str
    label: str
    label_y: int
    title: str
    style: str


class GraphPlot(NamedTuple):
    """The drawing: one box a part, the whole query, and the answer, from top to bottom."""

    width: int
    height: int
    left: int
    box: int
    row: int
    boxes: tuple[PlotBox, ...]
    arrows: tuple[PlotArrow, ...]


def plot_graph(view: GraphView) -> GraphPlot:
    """The drawing of a graph, narrow enough for a telephone."""
    boxes = [
        PlotBox(
            y=ROW * at + 4,
            head=f"{part.id} · {part.kind.replace('_', ' ')}",
            text=_shorten(part.text, LONGEST),
            title=part.text,
            style="failed" if part.error else "unused" if view.fallback_used else "",
        )
        for at, part in enumerate(view.parts if view.is_split else ())
    ]
    style = "used" if view.fallback_used else "unused"
    whole = PlotBox(
        ROW * len(boxes) + 4, "whole query", _shorten(view.query, LONGEST), view.query, style
    )
    boxes.append(whole)
    end = PlotBox(ROW * len(boxes) + 16, "answer", _shorten(view.answer, LONGEST), view.answer, "")
    places = {part.id: box.y for part, box in zip(view.parts, boxes, strict=False)}
    arrows = sorted((_flow(box, end) for box in boxes), key=lambda one: one.style, reverse=True)
    arrows += [
        _bind(link, places) for link in view.links if {link.source, link.target} <= set(places)
    ]
    height = end.y + HEIGHT + 4
    return GraphPlot(WIDTH, height, LEFT, BOX, HEIGHT, (*boxes, end), tuple(arrows))


def render_intents(
    decisions: Sequence[Any],
    graphs: Sequence[GraphView],
    switches: Sequence[tuple[str, str]],
    viewer: Viewer | None = None,
) -> str:
    """Decisions newest first; `switches` are (task class, verdict) where it is on.

    Without a viewer it is a file of the lab; else a page of the web app.
    """
    content = {
        "title": "Questions by parts",
        "base": "web_layout.html.j2" if viewer else "layout.html.j2",
        "decisions": decisions,
        "graphs": [(one, plot_graph(one)) for one in graphs],
        "switches": switches,
    }
    if viewer is None:
        return render("intents.html.j2", **content)
    return render_served("intents.html.j2", viewer=viewer, **content)


def _flow(box: PlotBox, end: PlotBox) -> PlotArrow:
    """From the right side of a box down to the answer."""
    x, y = LEFT + BOX, box.y + HEIGHT // 2
    path = f"M{x} {y}H{x + 12}V{end.y + HEIGHT // 2}H{x + 3}"
    return PlotArrow(
        path, "", 0, "", "flow unused" if box.style in ("unused", "failed") else "flow"
    )


def _bind(link: GraphLink, places: dict[str, int]) -> PlotArrow:
    """From the left side of the source to that of the target, with the variable's name."""
    first, last = places[link.source] + HEIGHT // 2, places[link.target] + HEIGHT // 2
    path = f"M{LEFT} {first}C{LEFT - 28} {first} {LEFT - 28} {last} {LEFT - 2} {last}"
    title = f"{link.variable} = {link.binding} of {link.source}"
    label = _shorten(link.variable, LONGEST_VARIABLE)
    return PlotArrow(path, label, (first + last) // 2 + 4, title, "bind")


def _shorten(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
