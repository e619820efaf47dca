"""Whom the runner asks: fallbacks, profiles, steps of a target's own, and for how long."""

import json
import time
from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer

from tests.adapters.step.speaking import speak
from tests.pipeline.model_server import ModelServer
from tests.pipeline.runner.runner import FEW, GOOD, models, record, rows, runner, train
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld
from tests.pipeline.test_bad_input import stops
from tests.pipeline.test_target import obliging
from tests.pipeline.world import World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
MakeTarget = Callable[..., TargetWorld]


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
    script = {**GOOD, "fail": "never", "fail_when": "Invoice 9001"}
    world = make_world(models=models(slow=scripted(script, timeout_seconds=300)), **FEW)
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "slow")
    begun = time.monotonic()
    assert runner(world, *args, "--plan-timeout", "0.5").code == 0
    assert time.monotonic() - begun < 250  # each would take 300
    errors = [row["error"] for row in rows(out, "outputs.jsonl")]
    assert sorted(map(str, errors)) == [
        *["None"] * 2,
        "time_limit: the plan was not done in its 0.5 seconds",
    ]


def test_a_limit_in_which_no_model_can_answer_makes_no_results(make_world: MakeWorld) -> None:
    world = make_world(models=models(slow=scripted({**GOOD, "latency_seconds": 2})), **FEW)
    out = world.root / "out"
    args = ("--baseline-dir", train(world), "--output-dir", out, "--model", "slow")
    said = runner(world, *args, "--plan-timeout", "0.2")
    stops(said, 1, "3 plans could not be run", "slow: no call was answered in 3 plans", "0.2")
    assert "0 plans finished" in said.out
    assert not list(out.glob("outputs/*/run.json"))
    said = runner(world, *args)
    assert said.code == 0, said.err
    assert "3 plans finished: 3 ok" in said.out


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


def test_each_call_of_a_python_step_falls_back(
    make_target: MakeTarget, httpserver: HTTPServer
) -> None:
    alive = {**DUMMY, "base_url": speak(httpserver, obliging), "id": "alive-1"}
    world = make_target(models={"dead": DUMMY, "alive": alive}).planner()
    plan = world.lab / "baseline/train/20260401_tool_library"
    args = ("--plan-dir", plan, "--prompt-lab-dir", world.lab, "--step", world.step)
    said = runner(world, *args, "--model", "dead", "--model", "alive")
    assert said.code == 0, said.err
    found = record(world.lab / "history/0/00_potential_levers", plan.name)
    assert (found["status"], found["model"]) == ("ok", "dead")
    assert [call["answered_by"] for call in found["calls"]] == ["alive"] * 3
    assert (found["usage"]["calls"], found["usage"]["calls_succeeded"]) == (3, 3)
    assert found["process"]["elsewhere"] == {}


def test_a_python_step_that_hangs_is_ended(make_target: MakeTarget) -> None:
    world = make_target().small(body="import time; time.sleep(600)")
    world.branch("better", {"src/notes/core.py": BETTER})
    out = world.root / "out"
    args = ("--baseline-dir", world.lab / "baseline/train", "--output-dir", out, "--model", "one")
    more = ("--step", "probe", "--commit", "better", "--plan-timeout", "1", "--workers", "3")
    begun = time.monotonic()
    said = runner(world, *args, *more)
    assert said.code == 0, said.err
    assert time.monotonic() - begun < 500  # each would take 600
    assert {r["error"].split(":")[0] for r in rows(out, "outputs.jsonl")} == {"time_limit"}
