"""An iteration that is driven in this process gives what the Luigi command gives."""

from pathlib import Path
from typing import Any

import pytest

import prompt_lab
from prompt_lab.errors import LabBusy
from prompt_lab.experiments.drive import hold_lab
from tests.pipeline.terminal import luigi
from tests.pipeline.test_judging import SEES_RIGHT, step
from tests.pipeline.world import World

pytestmark = pytest.mark.slow


def opened(world: World) -> prompt_lab.LabHandle:
    return prompt_lab.open_lab(world.lab, world.root / "configs")


def names(world: World) -> set[str]:
    return {path.name for path in world.folder(1).iterdir()}


@pytest.mark.parametrize("judged", [False, True])
def test_files_and_verdict_are_those_of_the_command(tmp_path: Path, judged: bool) -> None:
    judge: dict[str, Any] = {"step": step(), "judges": {"wise": SEES_RIGHT}} if judged else {}
    driven = World(tmp_path / "driven", train=6, verify=6, **judge).make()
    typed = World(tmp_path / "typed", train=6, verify=6, **judge).make()
    result = opened(driven).run_iteration()
    assert luigi(typed, "Iteration").code == 0
    assert names(driven) == names(typed)
    assert result.verdict.fingerprint == typed.verdict(1).fingerprint
    assert result.verdict.outcome is typed.verdict(1).outcome
    assert result.summary == (driven.folder(1) / "summary.txt").read_text()
    assert driven.git("log", "-1", "--format=%s", at=driven.lab).startswith("Iteration 1: ")


def test_what_is_missing_is_made_and_what_is_there_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path / "world", train=6, verify=6).make()
    lab = opened(world)
    first = lab.run_iteration()
    made = {path: path.stat().st_mtime_ns for path in world.lab.glob("history/*/*/outputs/*/*")}
    for name in ("summary.txt", "report.html", "insight_metrics.md", "runs_train.json"):
        (world.folder(1) / name).unlink()
    again = lab.run_iteration(number=1)
    assert again.verdict == first.verdict
    assert "report.html" in names(world)
    assert "runs_train.json" not in names(world)  # as luigi: nothing before the last file is made
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_a_lab_that_another_call_holds_is_refused_and_free_again_after(tmp_path: Path) -> None:
    world = World(tmp_path / "world", train=4, verify=4).make()
    lab = opened(world)
    with hold_lab(lab.context), pytest.raises(LabBusy, match="another process is using this lab"):
        lab.run_iteration()
    assert lab.run_iteration().number == 1
