"""Benchmarks by the luigi command on scripted models: table, routing, audit, cycles, resuming."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from prompt_lab.benchmark.cycle_records import CycleResults
from prompt_lab.benchmark.folders import read_all_results
from prompt_lab.benchmark.harness_lock import LockHolder, process_start
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab
from tests.pipeline.model_server import ModelServer
from tests.pipeline.terminal import luigi
from tests.pipeline.world import NUMBER, READS_FIRST, REPOSITORY, World, scripted
from tests.processes import until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
GOOD = {"rules": [{"answer": '{"amount": {1}}', "answer_regex": NUMBER}]}
LOOP = ("MetaLoop", "--baseline", "bad extended extended", "--repeats", "2", "--candidates", "2")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world(models={"bad": scripted(READS_FIRST), "good": scripted(GOOD)}, train=12)
    add_suite(made)
    return made


def add_suite(world: World, **more: Any) -> None:
    suite = {
        "phase": "extended",
        "step": "read_sum",
        "plans": [f"plan_train_{n:03d}" for n in range(12)],
        "models": ["bad", "good"],
        "repeats": 2,
        **more,
    }
    path = world.root / "configs/suites/extended.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(suite))


def results(world: World) -> list[BenchmarkResults]:
    return read_all_results(Lab(world.lab))


def decisions(world: World) -> list[dict[str, Any]]:
    text = (world.lab / "routing/routing_decisions.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_benchmark_measures_routes_blocks_and_is_forced(world: World) -> None:
    first = luigi(world, "Benchmark", "--suite", "extended", "--enable-warmup")
    assert first.code == 0, first.err
    assert "Warm-up complete: bad answered" in first.out
    assert "bad::extended: 0 of 24" in first.out
    assert "good::extended: 24 of 24" in first.out
    assert "bad::extended: route to good" in first.out
    [made] = results(world)
    assert [one.status for one in made.warm_up] == ["complete", "complete"]
    routed = luigi(world, "Benchmark", "--suite", "extended", "--model", "bad")
    assert "Routed from bad to good" in routed.out
    assert [(r.model, r.asked_model) for r in results(world)[-1].models] == [("good", "bad")]
    forced = luigi(world, "Benchmark", "--suite", "extended", "--model", "bad", "--force-model")
    assert forced.code == 0, forced.err
    assert (results(world)[-1].models[0].model, results(world)[-1].forced) == ("bad", True)
    assert [row["decision"] for row in decisions(world)] == [
        *("allowed", "allowed", "routed", "forced"),
    ]
    assert [path.startswith("history/") for path in decisions(world)[2]["runs"]] == [True, True]
    assert "Asked for bad: extended by good (12 plans)" in first.out
    assert "best single model" in first.out


def test_without_a_model_that_passes_the_run_is_blocked(world: World) -> None:
    add_suite(world, models=["bad"])
    assert luigi(world, "Benchmark", "--suite", "extended").code == 0
    rule = {"model": "bad", "phase": "extended", "allow": False, "source": "person"}
    (world.lab / "routing/routing_config.json").write_text(json.dumps({"rules": [rule]}))
    said = luigi(world, "Benchmark", "--suite", "extended")
    assert said.code == 0, said.err
    assert "Blocked: bad on extended" in said.out
    last = results(world)[-1]
    assert (last.models, [one.model for one in last.blocked]) == ((), ["bad"])


def test_the_second_cycle_obeys_the_rule_of_the_first(world: World) -> None:
    add_suite(world, models=["bad"])
    measured = luigi(world, "Benchmark", "--suite", "extended", "--model", "good")
    assert measured.code == 0, measured.err
    said = luigi(world, *LOOP, "--cycles", "2")
    assert said.code == 0, said.err
    folder = world.lab / "benchmarks/cycles"
    one, two = (read_record(folder / f"CYCLE_{n}_RESULTS.json", CycleResults) for n in (1, 2))
    assert (one.ran, two.ran) == ("bad", "good")
    assert "bad::extended" in one.blocked
    assert not one.changed
    for name in ("report.html", "SELF_OPTIMIZING_REPORT.md", "META_LEARNINGS.md"):
        assert (folder / name).exists()
    assert "bad::extended" in (folder / "report.html").read_text()
    again = luigi(world, *LOOP, "--cycles", "1")
    assert again.code == 0, again.err
    assert (folder / "CYCLE_3_RESULTS.json").exists()


class Slow:
    """Answers at once until so many calls, and then tells that it is there and waits."""

    def __init__(self, calls: int, reached: Path) -> None:
        self.left, self.reached, self.healed = calls, reached, False
        self.asked: list[str] = []

    def __call__(self, system: str, user: str) -> str | int:
        self.left -= 1
        if self.left < 0 and not self.healed:
            self.reached.write_text("")
            until(lambda: self.healed)
            return 503
        self.asked.append(user)
        return '{"amount": 1.0}'


def test_a_loop_that_was_killed_goes_on_and_asks_nothing_twice(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    behaviour = Slow(30, tmp_path / "reached")
    with ModelServer(behaviour) as server:
        world = make_world(models={"bad": server.config()}, train=12)
        add_suite(world, models=["bad"])
        command = [str(Path(sys.executable).with_name("luigi")), "--module", "pipeline", *LOOP]
        child = subprocess.Popen(
            command, cwd=REPOSITORY, env={**os.environ, **world.env}, start_new_session=True
        )
        until(behaviour.reached.exists)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        behaviour.healed = True
        said = luigi(world, *LOOP)
        assert said.code == 0, said.err
        [cycle] = (world.lab / "benchmarks/cycles").glob("CYCLE_*")
        made = results(world)
        assert read_record(cycle, CycleResults).benchmarks == tuple(one.number for one in made)
        runs = [run for one in made for row in one.models for p in row.plans for run in p.runs]
        assert len(runs) == len(set(runs))
        assert made[0].models[0].total == 24


def test_a_second_loop_is_refused_with_the_holder_named(world: World) -> None:
    start = process_start(os.getpid()) or ""
    holder = LockHolder(pid=os.getpid(), started=start, since="today", purpose="a loop")
    write_record(world.lab / "benchmarks/harness.lock", holder)
    said = luigi(world, *LOOP)
    assert said.code != 0
    assert f"pid {os.getpid()} holds it since today for a loop" in said.err


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (("--suite", "extendid"), "Did you mean 'extended'?"),
        (("--suite", "extended", "--phase", "atomic"), "is of phase 'extended', not 'atomic'"),
        (("--suite", "extended", "--model", "nobody"), "Unknown model 'nobody'"),
        (("--suite", "extended", "--repeats", "0"), "--repeats 0: give a whole number"),
    ],
)
def test_bad_input_is_one_message(world: World, flags: tuple[str, ...], fault: str) -> None:
    said = luigi(world, "Benchmark", *flags)
    assert said.code != 0
    assert fault in said.err
    assert "Traceback" not in said.err
