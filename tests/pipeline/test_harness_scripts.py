"""scripts/ of the older harness: the old names and arguments; the checks measure."""

import json
from collections.abc import Callable, Sequence

import pytest
import yaml

from pipeline.cli import harness_tools
from prompt_lab.benchmark.folders import read_all_results
from prompt_lab.store.layout import Lab, LabLock
from tests.pipeline.terminal import Said, forked, luigi
from tests.pipeline.world import NUMBER, READS_FIRST, World, scripted

pytestmark = pytest.mark.slow
GOOD = {"rules": [{"answer": '{"amount": {1}}', "answer_regex": NUMBER}]}
RULE = {
    "model": "bad",
    "phase": "extended",
    "allow": False,
    "fallback_model": "good",
    "source": "person",
    "reason": "it reads the number of the invoice",
}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    made = make_world(models={"bad": scripted(READS_FIRST), "good": scripted(GOOD)}, train=4)
    suite = {"phase": "extended", "step": "read_sum", "repeats": 2}
    suite |= {"plans": [f"plan_train_{n:03d}" for n in range(4)], "models": ["bad"]}
    path = made.root / "configs/suites/extended.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(suite))
    return made


def script(world: World, tool: Callable[[Sequence[str]], int], *words: str) -> Said:
    """One of the tools as its script starts it, in a process of its own."""
    said = forked(world, lambda: tool(words), {})
    assert "Traceback" not in said.err
    return said


def keep_away(world: World) -> None:
    path = world.lab / "routing/routing_config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rules": [RULE]}))


def test_one_repeat_and_seven(world: World) -> None:
    once = script(world, harness_tools.run_benchmark, "bad", "extended", "extended")
    assert "1 repeat" in once.out
    seven = script(world, harness_tools.supervise, "good", "extended")
    assert "good::extended: 28 of 28" in seven.out
    wrong = script(world, harness_tools.run_benchmark, "bad", "extended", "atomic")
    assert wrong.code != 0
    assert "is of phase 'extended', not 'atomic'" in wrong.err


def test_the_routing_check_measures_who_ran(world: World) -> None:
    free = script(world, harness_tools.check_routing)
    assert (free.code, "PASS: bad may do the extended phase, and bad ran" in free.out) == (0, True)
    keep_away(world)
    kept = script(world, harness_tools.check_routing, "bad", "extended")
    assert kept.code == 0, kept.out + kept.err
    assert "PASS: bad may not do the extended phase, and good ran" in kept.out
    assert [row.model for row in read_all_results(Lab(world.lab))[-1].models] == ["good"]


def test_the_safety_check_fails_a_model_below_the_gate(world: World) -> None:
    below = script(world, harness_tools.check_extended, "bad")
    assert below.code == 1
    assert "FAIL: bad is safe on the extended phase: not shown" in below.out
    assert "below the gate 30%" in below.out
    above = script(world, harness_tools.check_extended, "good")
    assert above.code == 0, above.out + above.err
    assert "PASS: good is safe on the extended phase" in above.out


def test_a_check_that_could_not_measure_says_so(world: World) -> None:
    said = script(world, harness_tools.check_warm_up, "bad", "extended")
    assert said.code != 0
    assert "FAIL: nothing was measured" in said.out
    assert "can be restarted for a cold start" in said.err


def test_a_second_supervisor_is_refused_with_the_holder_named(world: World) -> None:
    world.lab.mkdir(exist_ok=True)
    first = LabLock(world.lab / ".lock")
    assert first.acquire(shared=False)
    (world.lab / ".lock-holder").write_text("pid 4711, since today\n")
    said = luigi(world, "Benchmark", "--suite", "extended")
    assert said.code != 0
    assert "another process is using this lab (pid 4711, since today)" in said.err
    first.release()
    assert luigi(world, "Benchmark", "--suite", "extended", "--repeats", "1").code == 0


def test_the_loop_takes_its_old_flags_and_prints_the_report(world: World) -> None:
    flags = ("--cycles", "1", "--baseline", "bad extended extended", "--report")
    said = script(world, harness_tools.run_meta_loop, *flags)
    assert said.code == 0, said.err
    assert "# Self-optimizing report" in said.out
    assert "| 1 | bad on extended | 0.0%" in said.out
