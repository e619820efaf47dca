"""The runner as people and scripts call it: what it writes, kills, races."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable

import pytest

from prompt_lab.names import Side
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.runs import irregular_runs, read_batch_of
from prompt_lab.store.ranges import folders_of, parse_range
from tests.pipeline.model_server import ModelServer
from tests.pipeline.runner.runner import FEW, models, record, rows, runner, started, train
from tests.pipeline.world import HINT, PLAIN, World
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


def test_a_run_folder_as_labs_hold_it(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    args = ("--baseline-dir", train(world), "--prompt-lab-dir", world.lab, "--model", "good")
    said = runner(world, *args)
    assert said.code == 0, said.err
    folder = world.lab / "history/0/00_read_sum"
    assert str(folder) in said.out
    assert "3 plans finished: 3 ok, 0 with an error\nmean fields: 1.000" in said.out
    meta = json.loads((folder / "meta.json").read_text())
    assert (meta["step"], meta["model"], meta["workers"]) == (
        "read_sum",
        {"primary": "good", "fallbacks": []},
        3,
    )
    assert meta["system_prompt_sha256"] == meta["prompt_sha256"] != ""
    assert meta["system"]["memory_gb"] > 0
    assert isinstance(meta["system"]["cpu_model"], str)
    assert (meta["side"], meta["commit"]) == ("baseline", world.git("rev-parse", "main"))
    plans = [f"plan_train_{n:03d}" for n in range(3)]
    assert sorted(row["name"] for row in rows(folder, "outputs.jsonl")) == plans
    kinds = [row["event"] for row in rows(folder, "events.jsonl")]
    assert (kinds.count("run_single_plan_start"), kinds.count("run_single_plan_complete")) == (3, 3)
    files = {path.name for path in (folder / "outputs" / plans[0]).iterdir()}
    [usage] = rows(folder / "outputs" / plans[0], "usage_metrics.jsonl")
    assert {"timestamp", "success", "model", "duration_seconds", "cost_usd"} <= usage.keys()
    assert {"invoice.json", "activity_overview.json", "usage_metrics.jsonl", "run.json"} <= files
    lab = Lab(world.lab)
    assert list(irregular_runs(lab)) == []
    [found] = folders_of(lab, "--before", parse_range("--before", "0"))
    batch = read_batch_of(lab, found, Side.BASELINE)
    assert (batch.model, batch.scored, len(batch.rows), batch.faults) == ("good", True, 3, ())
    assert not lab.reusable.exists()


def test_one_plan_on_a_branch_into_a_folder_of_its_own(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    commit = world.branch("idea", {"prompt.txt": PLAIN.replace("Extract", HINT + " Extract")})
    out = world.root / "out/outputs"
    plan = train(world) / "plan_train_001"
    args = ("--plan-dir", plan, "--baseline-dir", train(world), "--model", "exact")
    assert runner(world, *args, "--output-dir", out, "--commit", "idea").code == 0
    found = record(out.parent, "plan_train_001")
    assert (found["side"], found["sent"]["head"], found["primary"]) == ("candidate", commit, 1.0)
    assert [row["name"] for row in rows(out.parent, "outputs.jsonl")] == ["plan_train_001"]
    assert not (world.lab / "history").exists()


def test_a_plan_without_gold_is_run_and_not_scored(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    (train(world) / "plan_train_000/invoice.json").unlink()
    (train(world) / "notes").mkdir()
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "good")
    said = runner(world, *args)
    assert said.code == 0, said.err
    assert "Skipped, since an input is missing: notes" in said.out
    assert (record(out, "plan_train_000")["scores"], record(out, "plan_train_000")["status"]) == (
        {},
        "ok",
    )


def test_ninety_nine_is_followed_by_one_hundred(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    (world.lab / "history/0/99_another_step").mkdir(parents=True)
    args = ("--plan-dir", train(world) / "plan_train_000", "--prompt-lab-dir", world.lab)
    process = started(world, *args, "--model", "good")
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0, err
    assert (world.lab / "history/1/00_read_sum/meta.json").exists()


def test_two_started_at_once_never_share_a_folder(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    for hundred in (0, 1):  # looking through so much takes long enough for both to look at once
        (world.lab / f"history/{hundred}").mkdir(parents=True)
        for n in range(4_000):
            (world.lab / f"history/{hundred}/stray-{n}").touch()
    (world.lab / "history/0/94_another_step").mkdir()
    plans = ["plan_train_000", "plan_train_001"]

    def run(plan: str) -> None:
        given = ("--plan-dir", train(world) / plan, "--prompt-lab-dir", world.lab)
        os._exit(runner(world, *given, "--model", "good").code)

    fork = multiprocessing.get_context("fork")  # a thread of ours must not fork beside another
    for _ in range(10):
        pair = [fork.Process(target=run, args=(plan,)) for plan in plans]
        for process in pair:
            process.start()
        for process in pair:
            process.join()
        assert [process.exitcode for process in pair] == [0, 0]
    folders = sorted(path.parent for path in world.lab.glob("history/*/*/meta.json"))
    numbers = sorted(int(f.parent.name) * 100 + int(f.name[:2]) for f in folders)
    assert numbers == list(range(95, 115))
    held = [[p.name for p in (folder / "outputs").iterdir()] for folder in folders]
    assert sorted(held) == [plans[:1]] * 10 + [plans[1:]] * 10
    assert all(len(rows(folder, "outputs.jsonl")) == 1 for folder in folders)


def test_a_plan_that_ended_in_an_error_is_tried_again(make_world: MakeWorld) -> None:
    answers = iter(["no JSON", *['{"amount": 1.5}'] * 9])
    with ModelServer(lambda *_: next(answers)) as server:
        world = make_world(models={"one": server.config(workers=1)}, **FEW)
        out = world.root / "out"
        args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "one")
        assert "3 plans finished: 2 ok, 1 with an error" in runner(world, *args).out
        assert (
            "3 plans finished: 3 ok, 0 with an error; 2 finished before" in runner(world, *args).out
        )
        assert sum(server.calls.values()) == 4
    names = [(row["name"], row["status"]) for row in rows(out, "outputs.jsonl")]
    assert len(names) == 4
    assert dict(names) == {plan.name: "ok" for plan in train(world).iterdir()}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_one_goes_on_where_it_was(make_world: MakeWorld, how: signal.Signals) -> None:
    with ModelServer(latency=0.4) as server:
        world = make_world(models={"one": server.config(workers=1)}, train=5, verify=2)
        out = world.root / "out"
        args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "one")
        process = started(world, *args)
        until((out / "outputs.jsonl").exists)
        process.send_signal(how)
        _, err = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == (-9 if how is signal.SIGKILL else 130)
        assert "Traceback" not in err
        assert how is signal.SIGKILL or f"--output-dir {out} makes the rest" in err
        before = {row["name"] for row in rows(out, "outputs.jsonl")}
        assert 1 <= len(before) < 5
        server.latency = 0.0
        world.branch("elsewhere", {"README.md": "More.\n"})
        world.git("merge", "-q", "elsewhere")  # the folder stays at the commit it was begun at
        said = runner(world, *args)
        assert said.code == 0, said.err
        assert f"{len(before)} finished before" in said.out
        names = [row["name"] for row in rows(out, "outputs.jsonl")]
        assert sorted(names) == sorted(set(names)) == sorted(p.name for p in train(world).iterdir())
        assert sum(server.calls.values()) <= 6  # at most the call under way is made again


def test_reading_verify_is_logged(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    args = ("--baseline-dir", world.lab / "baseline/verify", "--prompt-lab-dir", world.lab)
    assert runner(world, *args, "--model", "good").code == 0
    [row] = rows(world.lab, "journal.jsonl")
    assert (row["event"], row["plans"]) == ("verify_read", 2)
    meta = json.loads((world.lab / "history/0/00_read_sum/meta.json").read_text())
    assert meta["split"] == "verify"
