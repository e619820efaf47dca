"""What is evidence and what is not, as one table: a row is a whole iteration in a real target."""

import json
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_httpserver import HTTPServer

from adapters.sandbox.bubblewrap import SETTING
from pipeline.tasks.iteration import Implement
from prompt_lab.names import Outcome
from tests.adapters.step.bench import CHILDREN, LEFT, pids
from tests.adapters.step.speaking import speak
from tests.pipeline.harm import (
    GOES,
    IGNORES,
    MOVES_REF,
    SPOILS,
    harmed_for_once,
    on_main,
    only_the_candidate,
    plans_named,
    ref_named,
    writes,
)
from tests.pipeline.runner.runner import runner
from tests.pipeline.target_world import BETTER, CORE, DUMMY, TargetWorld
from tests.pipeline.test_target_gateway import asks
from tests.processes import command_runs

pytestmark = pytest.mark.slow
CORE_PY = "src/notes/core.py"
LIMIT = 1.0
PARSES = asks().replace(
    '    Path(out_dir, "answer.txt")',
    '    json.loads(answers[0])\n    Path(out_dir, "answer.txt")',
    1,
)
"""Asks its model for JSON, and fails where it is none."""
Kinds = set[tuple[str, str | None]]
WILD = {CORE_PY: BETTER + "WILD = 1\n"}
FINE: Kinds = {("baseline", None), ("candidate", None)}
BROKEN: Kinds = {("baseline", None), ("candidate", "exception")}


class Room(NamedTuple):
    """What a row may need to lay its world out."""

    folder: Path
    server: HTTPServer


Settings = Callable[[Room], Mapping[str, Any]]  # what the world is made with


@dataclass(frozen=True)
class Row:
    """One case. `ends` is valid, INVALID, CRASH, or '' where nothing is judged."""

    name: str
    ends: str
    codes: frozenset[str] = frozenset()
    kinds: Kinds = field(default_factory=lambda: FINE)
    files: Mapping[str, str] = field(default_factory=lambda: {CORE_PY: BETTER})
    body: str = "return {}"
    limits: Mapping[str, float] = field(default_factory=dict)
    settings: Settings = lambda _: {}
    harm: Callable[[TargetWorld, str], object] = lambda _, __: None
    act: Callable[[TargetWorld], bool] = lambda world: world.iterate(branch="better")
    check: Callable[[TargetWorld], object] = lambda _: None
    sandboxed: bool = True


def invalid(name: str, *codes: str, **more: Any) -> Row:
    return Row(name, "INVALID", frozenset(codes), **more)


def harmed(name: str, code: str, *codes: str) -> Row:
    """A candidate that does something to its worktree as it runs, which no sandbox prevents."""
    lines = [
        "import subprocess",
        "tree = Path(core.__file__).parents[2]",
        "if hasattr(core, 'WILD'):",
        f"    {code}",
    ]
    of: dict[str, Any] = {"files": WILD, "check": harmed_for_once, "sandboxed": False}
    return invalid(name, *codes, body="\n    ".join(lines), **of)


def altered(name: str, harm: Any, *codes: str, stray: bool = False) -> Row:
    """A worktree of the candidate that is not what its commit says, before any run."""
    found = ("dirty_tree",) if stray else (*codes, "blob_mismatch", "prompt_mismatch")
    return invalid(name, *found, harm=harm, check=only_the_candidate)


def unread(name: str, path: str) -> Row:
    """A change of a file that no run can load: nothing is run at all."""
    text = {path: "# Something else.\n"}
    return invalid(name, "not_exercised", files=text, kinds=set())


def fallback(name: str) -> Row:
    """The runner asks two models; it judges nothing."""
    of: dict[str, Any] = {"settings": dead_then_alive, "act": by_both, "check": second_answered}
    return Row(name, "", body=asks(), kinds={("candidate", None)}, **of)


def wild(name: str, kind: str, code: str, check: Any, **more: Any) -> Row:
    """A candidate that does something on one plan that it must not."""
    head = "if hasattr(core, 'WILD') and plan_dir.endswith('plan_1'):"
    lines = "\n        ".join([head, *code.strip().splitlines()])
    files = WILD
    kinds = {*FINE, ("candidate", kind)}
    return Row(name, "valid", kinds=kinds, body=lines, files=files, check=check, **more)


def same_twice(world: TargetWorld) -> bool:
    assert world.iterate(Implement, branch="better", number=1)
    change = json.loads((world.folder / "change.json").read_text())
    same = {**change, "commit": change["base_commit"]}
    (world.folder / "change.json").write_text(json.dumps(same))
    return world.iterate(number=1)


def shadowed(room: Room) -> Mapping[str, Any]:
    """An environment that imports a checkout of its own when Python starts."""
    copy, home = room.folder / "copy", room.folder / "environment"
    (copy / "notes").mkdir(parents=True)
    (copy / "notes/__init__.py").touch()
    (copy / "notes/core.py").write_text(CORE)
    venv.create(home, symlinks=True)
    site = next(home.glob("lib/*/site-packages"))
    line = f"import sys; sys.path.insert(0, {str(copy)!r}); import notes.core\n"
    (site / "shadow.pth").write_text(line)
    seen = {"interpreter": str(home / "bin/python"), "visible": [str(copy)]}
    return {"target_config": seen}


def names_the_copy(world: TargetWorld) -> None:
    found = {r.facts["found"] for r in world.verdict().reasons if r.code == "shadowed_import"}
    assert found == {
        str(world.root.parent / "copy/notes/__init__.py")
    }  # the first module, once a side
    assert not (world.lab / "history/reusable.jsonl").exists()  # no later trial rests on these


def dead(room: Room) -> Mapping[str, Any]:
    url = speak(room.server, lambda *_: 401)
    return {"models": {"one": {**DUMMY, "base_url": url}}}


def dead_then_alive(room: Room) -> Mapping[str, Any]:
    url = speak(room.server, lambda *_: "yes")
    return {"models": {"dead": DUMMY, "alive": {**DUMMY, "base_url": url}}}


def by_both(world: TargetWorld) -> bool:
    plans, models = world.lab / "baseline/train", ("--model", "dead", "--model", "alive")
    args = ("--baseline-dir", plans, "--prompt-lab-dir", world.lab, "--step", world.step)
    return runner(world, *args, "--commit", "better", *models).code == 0


def second_answered(world: TargetWorld) -> None:
    for run in world.runs():
        assert (run["model"], run["status"], run["valid"]) == ("dead", "ok", True)
        assert [call["answered_by"] for call in run["calls"]] == ["alive"]


def cut_off(room: Room) -> Mapping[str, Any]:
    """JSON for the baseline's prompt, and half of it for the candidate's."""
    url = speak(room.server, lambda system, _: '{"a": [1, 2' if "all" in system else '{"a": 1}')
    return {"models": {"one": {**DUMMY, "base_url": url}}}


def uncaged(_: Room) -> Mapping[str, Any]:
    return {"target_config": {"cgroups": False}}


def wild_run(world: TargetWorld) -> dict[str, Any]:
    [found] = [run for run in world.runs() if run["error"]]
    return found


def ended_in_time(world: TargetWorld) -> None:
    run = wild_run(world)
    assert LIMIT <= run["process"]["seconds"] <= LIMIT + 2
    found = pids(world.run_folder(run))
    assert len(found) == 3, "a child, one in a session of its own, one whose parent has gone"
    assert not command_runs(LEFT)


def counted(world: TargetWorld) -> None:
    process = wild_run(world)["process"]
    assert 30 <= process["killed"] <= 499
    assert "counted periodically" in " ".join(process["unbound"])


def small_log(world: TargetWorld) -> None:
    run = wild_run(world)
    assert run["process"]["printed"] < 80 << 20
    assert (world.run_folder(run) / "step.log").stat().st_size < 100_000


HANGS = CHILDREN + "time.sleep(100)"
BURST = """
import os, time
for n in range(500):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    time.sleep(0.002)
time.sleep(60)
"""
FLOOD = "for _ in range(1024):\n    print('x' * (1 << 20))"
FEW = {"seconds": 20, "processes": 40}
SHADOWED = ("shadowed_import",)
OWN_PROMPT = 'return {"prompt": "Something of my own."}'

ROWS = [
    Row("two commits whose prompt differs", "valid"),
    invalid("the same commit twice", "not_exercised", "head_moved", act=same_twice, kinds=set()),
    altered("the candidate on main", on_main, "wrong_commit"),
    altered("a changed worktree", writes(CORE_PY, CORE.replace("List", "Hide")), "dirty_tree"),
    altered("a stray file in the worktree", writes("src/notes/stray.txt", "x"), stray=True),
    harmed("a run that goes to main", GOES, "wrong_commit"),
    harmed("a run that leaves a file", "(tree / 'stray.txt').write_text('x')", "dirty_tree"),
    harmed("a run that leaves an ignored file", IGNORES, "dirty_tree"),
    invalid(
        "a run that changes the lab's plans",
        "other",
        body=SPOILS,
        check=plans_named,
        sandboxed=False,
    ),
    invalid(
        "a run that moves main",
        "other",
        body=MOVES_REF,
        files=WILD,
        check=ref_named,
        sandboxed=False,
    ),
    invalid("a shadowed import", *SHADOWED, settings=shadowed, check=names_the_copy),
    unread("a change of docs only", "README.md"),
    unread("a change of a runner only", "tools/run.py"),
    invalid("a module that no run loads", "not_exercised", files={"src/notes/spare.py": "A = 1\n"}),
    invalid("a prompt from outside", "prompt_mismatch", body=OWN_PROMPT),
    fallback("the first model dead, the second answers"),
    Row("all models dead", "CRASH", body=asks(), kinds=set(), settings=dead),
    Row("truncated JSON", "valid", body=PARSES, settings=cut_off, kinds=BROKEN),
    wild("a plan that hangs", "time_limit", HANGS, ended_in_time, limits={"seconds": LIMIT}),
    wild("a burst of 500 processes", "process_limit", BURST, counted, limits=FEW),
    wild("a burst, uncaged", "process_limit", BURST, counted, limits=FEW, settings=uncaged),
    wild("a gigabyte of output", "output_limit", FLOOD, small_log),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_evidence(
    make_target: Callable[..., TargetWorld],
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    row: Row,
) -> None:
    if not row.sandboxed:
        monkeypatch.setenv(SETTING, "none")
    world = make_target(**row.settings(Room(tmp_path, httpserver)))
    world.small(body=row.body.replace("LAB", str(world.lab)))
    if row.limits:
        world.limit(**row.limits)
    row.harm(world, world.branch("better", row.files))
    assert row.act(world) is (row.ends != "CRASH")
    assert {(r["side"], (r["error"] or {}).get("kind")) for r in world.runs()} == row.kinds
    assert (world.folder / "verdict.json").exists() is (row.ends in ("valid", "INVALID"))
    if row.ends == "valid":
        assert world.verdict().outcome is not Outcome.INVALID
    if row.ends == "INVALID":
        assert world.verdict().outcome is Outcome.INVALID
        assert row.codes == world.codes() - {"no_observable_effect"}
    row.check(world)
