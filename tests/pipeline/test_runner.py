"""The runner as people and scripts call it: flags, folders, kills, races, fallbacks, profiles."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from pipeline.cli import main
from prompt_lab.names import Side
from prompt_lab.store.foreign import irregular_runs, read_batch_of
from prompt_lab.store.layout import Lab
from prompt_lab.store.ranges import folders_of, parse_range
from tests.adapters.step.speaking import speak
from tests.pipeline.model_server import ModelServer
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld
from tests.pipeline.terminal import Said, forked
from tests.pipeline.test_bad_input import stops
from tests.pipeline.test_target import obliging
from tests.pipeline.world import HINT, NUMBER, PLAIN, REPOSITORY, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
MakeTarget = Callable[..., TargetWorld]
FEW: dict[str, Any] = {"train": 3, "verify": 2, "scout": 2}
GOOD = {"rules": [{"answer": '{"amount": {1}}', "answer_regex": NUMBER}]}
COMMAND = Path(sys.executable).with_name("prompt-lab-run")


def models(**more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"good": scripted(GOOD, id="good-1", workers=3), **more}


def runner(world: World | TargetWorld, *args: object, env: dict[str, str] | None = None) -> Said:
    """The command in a fork of this process."""
    return forked(world, lambda: main(list(map(str, args))), env or {})  # type: ignore[arg-type]


def started(world: World, *args: object) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    return subprocess.Popen(
        [COMMAND, *map(str, args)],
        cwd=REPOSITORY,
        env={**os.environ, **world.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(world: World | TargetWorld) -> Path:
    return world.lab / "baseline/train"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def record(folder: Path, plan: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "outputs" / plan / "run.json").read_text())
    return data


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
    assert (meta["side"], meta["commit"]) == ("baseline", world.git("rev-parse", "main"))
    plans = [f"plan_train_{n:03d}" for n in range(3)]
    assert sorted(row["name"] for row in rows(folder, "outputs.jsonl")) == plans
    kinds = [row["event"] for row in rows(folder, "events.jsonl")]
    assert (kinds.count("run_single_plan_start"), kinds.count("run_single_plan_complete")) == (3, 3)
    files = {path.name for path in (folder / "outputs" / plans[0]).iterdir()}
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
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (world.lab / "history/1/00_read_sum/meta.json").exists()


def test_two_started_at_once_never_share_a_folder(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    for hundred in (0, 1):  # looking through so much takes long enough for both to look at once
        (world.lab / f"history/{hundred}").mkdir(parents=True)
        for n in range(40_000):
            (world.lab / f"history/{hundred}/stray-{n}").touch()
    (world.lab / "history/0/94_another_step").mkdir()
    plans = ["plan_train_000", "plan_train_001"]
    for _ in range(10):
        pair = [
            started(
                world,
                *("--plan-dir", train(world) / plan, "--model", "good"),
                *("--prompt-lab-dir", world.lab),
            )
            for plan in plans
        ]
        for process in pair:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    folders = sorted(path.parent for path in world.lab.glob("history/*/*/meta.json"))
    numbers = sorted(int(f.parent.name) * 100 + int(f.name[:2]) for f in folders)
    assert numbers == list(range(95, 115))
    held = [[p.name for p in (folder / "outputs").iterdir()] for folder in folders]
    assert sorted(held) == [plans[:1]] * 10 + [plans[1:]] * 10
    assert all(len(rows(folder, "outputs.jsonl")) == 1 for folder in folders)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_one_goes_on_where_it_was(make_world: MakeWorld, how: signal.Signals) -> None:
    with ModelServer(latency=0.4) as server:
        world = make_world(models={"one": server.config(workers=1)}, train=5, verify=2)
        out = world.root / "out"
        args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "one")
        process = started(world, *args)
        deadline = time.monotonic() + 60
        while not (out / "outputs.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(how)
        _, err = process.communicate(timeout=60)
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


def test_two_in_one_folder_are_refused(make_world: MakeWorld) -> None:
    with ModelServer(latency=5.0) as server:
        world = make_world(models={"one": server.config()}, **FEW)
        args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model")
        first = started(world, *args, "one")
        while not (world.root / "out/events.jsonl").exists() and first.poll() is None:
            time.sleep(0.05)
        stops(runner(world, *args, "one"), 1, "another runner is at work")
        first.kill()
        first.communicate(timeout=30)


def test_the_smallest_workers_are_the_default(make_world: MakeWorld) -> None:
    other = scripted(GOOD, workers=2)
    world = make_world(models=models(other=other), **FEW)
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--model", "good", "--model", "other", "--output-dir")
    assert runner(world, *args, out / "a").code == 0
    assert runner(world, *args, out / "b", "--workers", 7).code == 0
    kept = [json.loads((out / name / "meta.json").read_text())["workers"] for name in "ab"]
    assert kept == [2, 7]


def test_a_fallback_answers_and_is_named(make_world: MakeWorld) -> None:
    dead = scripted({"fail": "outside"}, id="dead-1", price={"input": 0, "output": 0})
    paid = scripted(GOOD, id="paid-1", price={"input": 1e6, "output": 0})
    world = make_world(models=models(dead=dead, paid=paid), **FEW)
    args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model", "dead")
    said = runner(world, *args, "--model", "paid")
    assert said.code == 0, said.err
    assert "answered by: paid-1" in said.out
    found = record(world.root / "out", "plan_train_000")
    assert (found["model"], found["answered_by"], found["status"]) == ("dead", "paid-1", "ok")
    assert found["usage"]["cost_usd"] == found["usage"]["input_tokens"] > 0


def test_where_all_are_dead_nothing_is_finished_and_a_rerun_tries_again(
    make_world: MakeWorld,
) -> None:
    dead = scripted({"fail": "outside"})
    world = make_world(models=models(dead=dead, gone=dead), **FEW)
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "dead")
    for _ in range(2):
        said = runner(world, *args, "--model", "gone")
        stops(said, 1, "3 plans could not be run", "dead: fails from outside", "gone: fails from")
        assert "0 plans finished" in said.out
    assert not (out / "outputs.jsonl").exists()
    assert len(list(out.glob("outputs/plan_train_000/attempts/*"))) == 1


def test_a_plan_that_takes_too_long_is_an_error(make_world: MakeWorld) -> None:
    world = make_world(models=models(slow=scripted({**GOOD, "latency_seconds": 30})), **FEW)
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "slow")
    begun = time.monotonic()
    assert runner(world, *args, "--plan-timeout", "0.5").code == 0
    assert time.monotonic() - begun < 10
    errors = [row["error"] for row in rows(out, "outputs.jsonl")]
    assert errors == ["time_limit: the plan was not done in its 0.5 seconds"] * 3


def test_reading_verify_is_logged(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    args = ("--baseline-dir", world.lab / "baseline/verify", "--prompt-lab-dir", world.lab)
    assert runner(world, *args, "--model", "good").code == 0
    [row] = rows(world.lab, "journal.jsonl")
    assert (row["event"], row["plans"]) == ("verify_read", 2)
    meta = json.loads((world.lab / "history/0/00_read_sum/meta.json").read_text())
    assert meta["split"] == "verify"


def test_a_profile_names_the_models(make_world: MakeWorld) -> None:
    with ModelServer() as server:
        world = make_world(models=models(), **FEW)
        entry = {
            "class": "OpenAILike",
            "luigi_workers": 2,
            "arguments": {
                "model": "stand-in",
                "api_base": server.address,
                "api_key": "sk-literal-0815",
                "default_headers": {"X-Team": "${TEAM_TOKEN}"},
                "is_chat_model": True,
            },
        }
        home = world.root / "planexe"
        (home / "llm_config").mkdir(parents=True)
        (home / "llm_config/mine.json").write_text(json.dumps({"by-class": entry}))
        env = {
            "PLANEXE_MODEL_PROFILE": "custom",
            "PLANEXE_LLM_CONFIG_CUSTOM_FILENAME": "mine.json",
            "PLANEXE_CONFIG_PATH": str(home),
        }
        args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model")
        stops(runner(world, *args, "by-class", env=env), 1, "TEAM_TOKEN", "--model")
        said = runner(world, *args, "by-class", env=env | {"TEAM_TOKEN": "tok-4711"})
        assert said.code == 0, said.err
        assert "answered by: stand-in" in said.out
        assert sum(server.calls.values()) == 3
    meta = json.loads((world.root / "out/meta.json").read_text())
    assert (meta["workers"], meta["model_config"]["settings"]["extra"]["class"]) == (
        2,
        "OpenAILike",
    )
    texts = [p.read_text() for p in (world.root / "out").rglob("*") if p.is_file()]
    assert not [t for t in texts if "sk-literal-0815" in t or "tok-4711" in t]


def test_a_python_step_is_given_all_models(make_target: MakeTarget, httpserver: HTTPServer) -> None:
    alive = {**DUMMY, "base_url": speak(httpserver, obliging), "id": "alive-1"}
    world = make_target(models={"dead": DUMMY, "alive": alive}).planner()
    plan = world.lab / "baseline/train/20260401_tool_library"
    args = ("--plan-dir", plan, "--prompt-lab-dir", world.lab, "--step", world.step)
    said = runner(world, *args, "--model", "dead", "--model", "alive")
    assert said.code == 0, said.err
    found = record(world.lab / "history/0/00_potential_levers", plan.name)
    assert (found["status"], found["answered_by"], found["model"]) == ("ok", "alive-1", "dead")
    assert (found["usage"]["calls"], found["usage"]["calls_succeeded"]) == (6, 3)
    assert found["process"]["elsewhere"] == {}


def test_a_python_step_that_hangs_is_ended(make_target: MakeTarget) -> None:
    world = make_target().small(body="import time; time.sleep(60)")
    world.branch("better", {"src/notes/core.py": BETTER})
    out = world.root / "out"
    args = ("--baseline-dir", world.lab / "baseline/train", "--output-dir", out, "--model", "one")
    more = ("--step", "probe", "--commit", "better", "--plan-timeout", "1", "--workers", "3")
    begun = time.monotonic()
    said = runner(world, *args, *more)
    assert said.code == 0, said.err
    assert time.monotonic() - begun < 20
    assert {r["error"].split(":")[0] for r in rows(out, "outputs.jsonl")} == {"time_limit"}


PAIRS = ("--baseline-dir", "--plan-dir", "--prompt-lab-dir", "--output-dir")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], 1, [*PAIRS, "--model"]),
        (["--model", "good", "--output-dir", "{out}"], 1, PAIRS[:2]),
        (["--model", "good", "--plan-dir", "{plan}"], 1, PAIRS[2:]),
        (["--plan-dir", "{plan}", "--output-dir", "{out}"], 1, ["give --model"]),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    make_world: MakeWorld, args: list[str], code: int, words: list[str]
) -> None:
    world = make_world(models=models(), **FEW)
    said = runner(world, *_filled(world, args))
    stops(said, code, *words)
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["--model", "godo"], 1, "Did you mean 'good'"),
        (["--step", "read"], 1, "Unknown step 'read'"),
        (["--commit", "nowhere"], 1, "no branch, tag or commit 'nowhere'"),
        (["--commit", "--help"], 1, "no branch, tag or commit '--help'"),
        (["--baseline-dir", "{out}"], 1, "is no folder"),
        (["--baseline-dir", "{target}"], 1, "'invoice.txt'"),
        (["--plan-dir", "{target}"], 1, "holds no 'invoice.txt'"),
        (["--prompt-lab-dir", "{out}"], 1, "there is no such folder"),
        (["--output-dir", "{target}/prompt.txt"], 1, "prompt.txt: File exists"),
        (["--output-dir", "{foreign}"], 1, "It is no run folder of this command"),
        (["--output-dir", "{busy}"], 1, "holds files of something else"),
        (["--workers", "0"], 2, "--workers"),
        (["--workers", "two"], 2, "--workers"),
        (["--plan-timeout", "-1"], 2, "--plan-timeout"),
        (["--plans", "x"], 2, "--plans"),
    ],
)
def test_every_mistake_is_one_message(
    make_world: MakeWorld, args: list[str], code: int, word: str
) -> None:
    world = make_world(models=models(), **FEW)
    (world.root / "foreign").mkdir()
    (world.root / "foreign/meta.json").write_text('{"step": "levers"}')
    (world.root / "busy/outputs/plan").mkdir(parents=True)
    usual = {"--model": "good", "--output-dir": "{out}", "--baseline-dir": "{train}"}
    if args[0] in ("--plan-dir", "--prompt-lab-dir"):
        del usual["--baseline-dir" if args[0] == "--plan-dir" else "--output-dir"]
    given = [part for pair in usual.items() if pair[0] != args[0] for part in pair]
    said = runner(world, *_filled(world, [*given, *args]))
    assert said.code == code, said.err
    assert word in said.err
    assert "Traceback" not in said.err
    assert not (world.lab / "history").exists()


def test_a_folder_of_another_commit_or_config_is_not_gone_on_with(make_world: MakeWorld) -> None:
    world = make_world(models=models(other=scripted(GOOD)), **FEW)
    world.branch("idea", {"prompt.txt": PLAIN + "Please.\n"})
    args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model")
    assert runner(world, *args, "good").code == 0
    stops(runner(world, *args, "other"), 1, "begun with model ['good'], not ['other']")
    stops(runner(world, *args, "good", "--commit", "idea"), 1, "begun with commit")
    path = world.root / "configs/models/good.yaml"
    path.write_text(path.read_text().replace("temperature: 0", "temperature: 1"))
    stops(runner(world, *args, "good"), 1, "begun with config_sha256")


def _filled(world: World, args: list[str]) -> list[str]:
    places = {name: world.root / name for name in ("out", "foreign", "busy")}
    plan = train(world) / "plan_train_000"
    return [
        arg.format(train=train(world), plan=plan, target=world.target, **places) for arg in args
    ]
