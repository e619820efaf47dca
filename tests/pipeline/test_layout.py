"""What the layout of the packages promises to those who import them and to those who read them."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.pipeline.world import World

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "adapters", "prompt_lab")
MOST_FILES = 8
STATE = """
import gc, signal, sys
def state():
    handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    collector = gc.get_threshold(), gc.get_freeze_count()
    return sys.excepthook, handlers, sys.getswitchinterval(), collector
before = state()
import {name}
sys.exit(0 if state() == before else "importing {name} changed the state of the process")
"""


@pytest.mark.parametrize("name", ["prompt_lab", "prompt_lab.experiments.loop", "pipeline"])
def test_an_import_changes_nothing_of_the_process(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STATE.format(name=name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["adapters", "prompt_lab"])
def test_luigi_is_imported_under_pipeline_alone(package: str) -> None:
    found = []
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names]
            module = getattr(node, "module", None) or ""
            if "luigi" in [name.partition(".")[0] for name in (module, *names)]:
                found.append(path.relative_to(ROOT).as_posix())
    # The worker runs in the target's process, and loads the target's own luigi.
    assert found == [] or {p.partition("/worker/")[0] for p in found} == {"adapters/step"}


@pytest.mark.slow
def test_from_the_command_to_the_verdict_a_reader_opens_few_files(
    make_world: Callable[..., World],
) -> None:
    """The files of ours on the call stack when verdict.json is written."""
    world, stacks = make_world(), list[list[str]]()

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name == "write_text":
            path = frame.f_locals.get("path")
            if isinstance(path, Path) and path.name == "verdict.json":
                stacks.append(_own_files(frame))

    sys.setprofile(watch)
    try:
        assert world.iterate()
    finally:
        sys.setprofile(None)
    assert len(stacks) == 1
    assert len(stacks[0]) <= MOST_FILES, stacks[0]
    assert "pipeline/tasks/iteration.py" in stacks[0]
    assert "prompt_lab/experiments/decision.py" in stacks[0]
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert [name for name in stacks[0] if f"`{name}`" not in text] == []


def _own_files(frame: FrameType | None) -> list[str]:
    found: dict[str, None] = {}
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES:
            found[path.relative_to(ROOT).as_posix()] = None
        frame = frame.f_back
    return list(found)
