"""Draw the DAG from the tasks themselves: `python -m tests.tools.draw_dag` writes docs/dag*.svg.

A solid arrow is a requirement; a dashed one is asked for while the task runs.
"""

import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pipeline
from pipeline.tasks.base import LabTask, Phase
from pipeline.tasks.printing import PrintingTask
from prompt_lab.experiments.loop import LoopRun

ROOT = Path(__file__).parents[2]
GOAL = ROOT / "docs" / "dag.svg"
DAILY_GOAL = ROOT / "docs" / "dag-daily.svg"
LOOP, DAILY = "Loop", "DailyReview"
WIDTH, HEIGHT, STEP_X, STEP_Y, MARGIN = 168, 50, 212, 84, 60


class Edge(NamedTuple):
    """`task` needs `needed`; `dynamic` edges are asked for while it runs."""

    task: str
    needed: str
    dynamic: bool


def edges() -> list[Edge]:
    """Every edge, read from the source of the task classes and their bases."""
    found: set[Edge] = set()
    for name in pipeline.__all__:
        for kind in getattr(pipeline, name).__mro__:
            if issubclass(kind, LabTask) and kind not in (LabTask, Phase, PrintingTask):
                found |= set(_edges_of(name, kind))
    return sorted(found)


def _edges_of(name: str, kind: type[LabTask]) -> Iterable[Edge]:
    for method, dynamic in (("requires", False), ("work", True), ("_work", True), ("run", True)):
        body: Any = kind.__dict__.get(method)
        text = inspect.getsource(body) if body else ""
        for needed in pipeline.__all__:
            asked = (
                rf"\byield (?:self\.clone(?:_as)?\()?{needed}\b"
                if dynamic
                else rf"[(,]\s*{needed}\b"
            )
            if needed != name and re.search(asked, text):
                yield Edge(name, needed, dynamic)
        for use_case in re.findall(r"supply\(self, (\w+)\(|in self\.(loop)\.run", text):
            function = body.__globals__.get(use_case[0]) if use_case[0] else LoopRun.run
            for need in _needs_of(function, set()):
                yield from (Edge(name, task, True) for task in _SUPPLIED_BY[need])


def _needs_of(function: Any, seen: set[Any]) -> set[str]:
    """The kinds of needs that a use case yields, itself or by what it calls for them."""
    seen.add(function)
    text = inspect.getsource(function)
    found = {need for need in _SUPPLIED_BY if re.search(rf"\b{need}\(", text)}
    for name in re.findall(r"(?:yield from|yield|need(?:: [^=]+)? =) (\w+)\(", text):
        called = function.__globals__.get(name)
        if inspect.isfunction(called) and called not in seen:
            found |= _needs_of(called, seen)
    return found


def drawn(root: str = LOOP) -> list[Edge]:
    """The edges that can be reached from a task; those of an iteration are drawn under Loop."""
    ends = {"Iteration"} if root == DAILY else set[str]()
    reached, size = {root}, 0
    while len(reached) > size:
        size = len(reached)
        reached |= {edge.needed for edge in edges() if edge.task in reached - ends}
    return [edge for edge in edges() if edge.task in reached - ends]


def rows(root: str = LOOP) -> dict[str, int]:
    """Task -> how far from the top it is drawn: below everything that needs it."""
    found = drawn(root)
    depth = dict.fromkeys((e.task for e in found), 0) | dict.fromkeys((e.needed for e in found), 0)
    for _ in depth:
        for edge in found:
            if not (edge.dynamic and edge.needed == "Runs"):
                depth[edge.needed] = max(depth[edge.needed], depth[edge.task] + 1)
    return depth


def draw(root: str = LOOP) -> str:
    """The picture as SVG text."""
    depth = rows(root)
    columns: dict[int, list[str]] = {}
    for name in sorted(depth, key=lambda n: (depth[n], n == "Prepare", n)):
        columns.setdefault(depth[name], []).append(name)
    widest = max(len(names) for names in columns.values())
    place: dict[str, tuple[float, float]] = {
        name: (MARGIN + (widest - len(names)) * STEP_X / 2 + i * STEP_X, MARGIN + d * STEP_Y)
        for d, names in columns.items()
        for i, name in enumerate(names)
    }
    width = 2 * MARGIN + (widest - 1) * STEP_X + WIDTH
    height = 2 * MARGIN + max(columns) * STEP_Y + HEIGHT
    parts = [_line(edge, place) for edge in drawn(root)] + [_box(n, *place[n]) for n in place]
    return _PAGE.format(width=width, height=height, parts="\n".join(parts))


def _line(edge: Edge, place: dict[str, tuple[float, float]]) -> str:
    (x, y), (to_x, to_y) = place[edge.task], place[edge.needed]
    dash = ' stroke-dasharray="5 4"' if edge.dynamic else ""
    start, end = (x + WIDTH / 2, y + HEIGHT), (to_x + WIDTH / 2, to_y)
    if to_y - y <= STEP_Y:
        control = f"{start[0]},{start[1] + 36} {end[0]},{end[1] - 36}"
    else:
        start, end = (
            (x + WIDTH * (not edge.dynamic), y + HEIGHT / 2),
            (
                to_x + WIDTH * (not edge.dynamic),
                to_y + HEIGHT / 2,
            ),
        )
        far = MARGIN - 80 if edge.dynamic else max(px for px, _ in place.values()) + WIDTH + 80
        control = f"{far},{start[1]} {far},{end[1]}"
    return (
        f'<path d="M{start[0]},{start[1]} C{control} {end[0]},{end[1]}" class="e"{dash} '
        'marker-end="url(#a)"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    file = getattr(getattr(pipeline, name), "FILE", "")
    shown = file if isinstance(file, str) and file else _FILES.get(name, "")
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" class="b"/>'
        f'<text x="{x + WIDTH / 2}" y="{y + 21}" class="n">{name}</text>'
        f'<text x="{x + WIDTH / 2}" y="{y + 38}" class="f">{shown}</text>'
    )


_SUPPLIED_BY = {
    "RunsNeeded": ("Run",),
    "JudgementsNeeded": ("Judgements",),
    "ScoutNeeded": ("Scout",),
    "SplitNeeded": ("Runs",),
    "IterationNeeded": ("Iteration", "Scout"),
}
"""The tasks that pipeline/tasks supplies a need with."""
_FILES = {
    "Judgements": "judged_&lt;batch&gt;_&lt;look&gt;.json",
    "Insight": "insight_&lt;analyst&gt;.md",
    "CodeReview": "code_&lt;analyst&gt;.md",
    "Runs": "runs_&lt;split&gt;.json",
    "Run": "run.json of each run",
    "Loop": "ended.json of the loop",
}
_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">
<title>The tasks of one iteration and what each needs</title>
<style>
svg {{ background: #fff }} text {{ font: 14px system-ui, sans-serif; text-anchor: middle }}
.b {{ fill: #eef3fb; stroke: #3b5b92 }} .n {{ font-weight: 600; fill: #14233d }}
.f {{ font: 11px ui-monospace, monospace; fill: #51617c }} .e {{ fill: none; stroke: #51617c }}
</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
 orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#51617c"/></marker></defs>
{parts}
</svg>
"""

if __name__ == "__main__":
    for path, top in ((GOAL, LOOP), (DAILY_GOAL, DAILY)):
        path.write_text(draw(top), "utf-8")
        print(f"{path.relative_to(ROOT)}: {len(drawn(top))} arrows")
