"""Draw the DAG from the tasks themselves: `python -m tests.tools.draw_dag` writes docs/dag.svg."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pipeline
from pipeline.base import LabTask

GOAL = Path(__file__).parents[2] / "docs" / "dag.svg"
WIDTH, HEIGHT, GAP_X, GAP_Y = 150, 46, 40, 34


def edges() -> list[tuple[str, str, bool]]:
    """(task, what it needs, asked for while it runs), read from the source of each class."""
    found = set()
    for name in pipeline.__all__:
        for kind in getattr(pipeline, name).__mro__:
            if kind is LabTask or not issubclass(kind, LabTask):
                continue
            found |= set(_edges_of(name, kind))
    return sorted(found)


def _edges_of(name: str, kind: type[LabTask]) -> Iterable[tuple[str, str, bool]]:
    import inspect  # noqa: PLC0415

    for method, dynamic in (("requires", False), ("work", True)):
        body = kind.__dict__.get(method)
        if body is None:
            continue
        text = inspect.getsource(body)
        for needed in pipeline.__all__:
            if needed == name:
                continue
            asked = rf"\b{needed}\b" if not dynamic else rf"yield [^\n]*\b{needed}\b"
            if re.search(asked, text):
                yield name, needed, dynamic
        if dynamic and "yield missing_runs" in text:
            yield name, "Run", True


if __name__ == "__main__":
    print(edges())
