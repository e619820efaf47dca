"""The shape of the DAG as a snapshot: a change of it is seen in review."""

import re
from pathlib import Path

import pipeline
from tests.tools.draw_dag import DAILY, DAILY_GOAL, GOAL, draw, edges

SNAPSHOT = Path(__file__).with_name("dag.txt")
ROOT = Path(__file__).parents[2]


def test_the_dag_is_the_one_that_was_reviewed() -> None:
    lines = [f"{e.task} {'asks for' if e.dynamic else 'needs'} {e.needed}" for e in edges()]
    assert lines == SNAPSHOT.read_text("utf-8").splitlines()


def test_the_picture_is_drawn_from_the_tasks() -> None:
    assert draw() == GOAL.read_text("utf-8"), "run `python -m tests.tools.draw_dag`"
    assert draw(DAILY) == DAILY_GOAL.read_text("utf-8"), "run `python -m tests.tools.draw_dag`"


def test_every_task_is_documented() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    missing = [name for name in pipeline.__all__ if f"| `{name}` |" not in text]
    assert not missing


def test_every_make_target_is_in_a_document() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    texts = [
        (ROOT / name).read_text("utf-8")
        for name in ("README.md", "docs/guide.md", "CONTRIBUTING.md")
    ]
    missing = [t for t in targets if not any(f"make {t}" in text for text in texts)]
    assert targets
    assert not missing
