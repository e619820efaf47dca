"""Compare on run folders of another tool and on ours, and its messages for bad ranges."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.terminal import STOPPED
from tests.pipeline.test_ledger import digests, on
from tests.pipeline.world import World
from tests.prompt_lab.store.planexe import other_tool

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(train=3, verify=3, scout=2)


def _compare(world: World, root: Path, before: str, after: str) -> tuple[int, str, str]:
    return on(world, root, "Compare", "--before", before, "--after", after)


def test_two_ranges_of_another_tool(world: World, tmp_path: Path) -> None:
    lab = other_tool.small_lab(tmp_path / "theirs")
    (lab.history / "0/01_find_levers/events.jsonl").unlink()
    before = digests(lab.root)
    code, out, err = _compare(world, lab.root, "0-1", "0/02-0/03")
    assert code == 0, err
    assert "runs ok   3 of 4 -> 4 of 4" in out
    assert all(len(line) <= 100 for line in out.splitlines() if "written" not in line)
    goal = lab.root / "compare/0-1_2-3"
    said = (goal / "assessment.md").read_text()
    assert said.index("The score is 'ended'") < said.index("pairs on 2 plans")
    assert "Opening phrase 'This lever'" in said
    assert "Opening phrase 'The options'" in said
    assert "value_error in options by small: 1 → 0 runs" in said
    assert "01_find_levers: no events.jsonl" in said.replace("\\", "")
    assert (goal / "insight_metrics.md").read_text().startswith("# Insight (metrics): find")
    assert set(digests(lab.root)) - set(before) == {
        "compare/0-1_2-3/assessment.md",
        "compare/0-1_2-3/insight_metrics.md",
    }
    first = digests(goal)
    assert _compare(world, lab.root, "0-1", "2-3")[0] == 0
    assert digests(goal) == first


def test_texts_that_were_kept_on_one_side_only_are_no_finding(world: World, tmp_path: Path) -> None:
    lab = other_tool.small_lab(tmp_path / "theirs")
    other_tool.run_folder(lab, 4, "large", {"silo": ["x"], "game": ["y"]}, keep=False)
    code, _, err = _compare(world, lab.root, "4", "3")
    assert code == 0, err
    said = (lab.root / "compare/4_3/assessment.md").read_text()
    assert "left out: those of large" in said
    assert "Opening phrase" not in said


def test_our_own_runs_keep_their_own_score(world: World) -> None:
    assert world.iterate()
    folders = (world.lab / "history/0").glob("[0-9]*_read_sum")
    (number,) = [
        int(folder.name[:2])
        for folder in folders
        if json.loads((folder / "meta.json").read_text())["side"] == "candidate"
    ]
    code, out, err = _compare(world, world.lab, "0", str(number))
    assert code == 0, err
    assert "+100.0 points" in out
    goal = world.lab / "compare" / f"0_{number}"
    assert "The score is 'fields', as each run recorded it." in (goal / "assessment.md").read_text()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("x", "2-3", "--before 'x': give run folders"),
        ("0-1", "2-9", "--after 2-9"),
        ("0-2", "2-3", "overlap"),
        ("1-0", "2-3", "ends before it begins"),
        ("0-1", "5", "no record of a run"),
        ("0-1", "6", "several steps"),
        ("0", "3", "no pair"),
    ],
)
def test_bad_ranges_end_in_one_message(
    world: World, tmp_path: Path, before: str, after: str, told: str
) -> None:
    lab = other_tool.small_lab(tmp_path / "theirs")
    (lab.history / "0/05_find_levers").mkdir()
    other_tool.put(lab.history / "0/05_find_levers/meta.json", {"step": "find_levers"})
    folder = other_tool.run_folder(lab, 6, "small", {"silo": ["x"]})
    other_tool.put(folder / "meta.json", {"step": "other_step", "model": "small"})
    code, _, err = _compare(world, lab.root, before, after)
    assert code != 0
    assert err.count(STOPPED) == 1
    assert "Traceback" not in err
    assert told in err
    assert not (lab.root / "compare").exists()
