"""The baseline against itself on a model that wavers: patterns, needs, price, and no call twice."""

import json
import re
from collections import Counter
from collections.abc import Callable

import pytest

from prompt_lab.evaluate.noise_floor import FloorRecord
from prompt_lab.store.files import read_record
from tests.pipeline.model_server import ModelServer, reads_right
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import READS_FIRST, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


class Wavering:
    """Right on even plans; on odd ones wrong every third time."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, system: str, user: str) -> str:
        self.asked[user] += 1
        odd = int(re.findall(r"\d+", user)[0]) % 2
        if odd and self.asked[user] % 3 == 0:
            return json.dumps({"amount": 0.0})
        return reads_right(system, user)


def test_the_noise_of_a_wavering_model_is_measured_once(make_world: MakeWorld) -> None:
    with ModelServer(Wavering()) as server:
        priced = {"price": {"input": 1.0, "output": 2.0}}
        world = make_world(models={"warm": server.config(deterministic=False, **priced)}, train=8)
        before = luigi(world, "Iteration", "--dry-run")
        assert "NoiseFloor` measures" in before.out
        dry = luigi(world, "NoiseFloor", "--replicates", "6", "--dry-run")
        assert (dry.code, server.calls.total()) == (0, 0), dry.err
        assert "8 plans, 6 runs of each" in dry.out
        assert "  48 calls, $0.01" in dry.out
        assert not (world.lab / "noise_floor").exists()
        said = luigi(world, "NoiseFloor", "--replicates", "6")
        assert said.code == 0, said.err
        assert server.calls.total() == 8 * 6
        record = read_record(world.lab / "noise_floor/read_sum.json", FloorRecord)
        patterns = {s.plan: s.pattern for s in record.floor.spreads}
        assert {p.count("F") for p in patterns.values()} == {0, 2}
        assert record.floor.flaky == 4
        assert patterns["plan_train_000"] == "PPPPPP"
        assert 0 < record.floor.plan_deviation < 0.6
        page = (world.lab / "noise_floor/read_sum.html").read_text()
        assert f'aria-label="{patterns["plan_train_001"]}"' in page
        assert "calls, $" in page
        assert patterns["plan_train_001"] in said.out
        again = luigi(world, "NoiseFloor", "--replicates", "6")
        assert (again.code, server.calls.total()) == (0, 48)
        dry = luigi(world, "Iteration", "--dry-run")
        assert "To see +10 points with 80% power you need about" in dry.out, dry.err
        assert "4 are flaky" in dry.out
        assert luigi(world, "Iteration").code == 0
        planned = world.record(1, "batch_train")["runs"]
        assert sum(run["reused"] for run in planned) == 8
        assert sum(run["probe"] for run in planned) == 8  # so few plans are all made again


class Refusing:
    """Refuses every request (status 400), or those about some invoices, until it is healed."""

    def __init__(self, numbers: str = r"\d+") -> None:
        self.numbers = re.compile(rf"Invoice {numbers} of")
        self.healed = False

    def __call__(self, system: str, user: str) -> str | int:
        refused = self.numbers.search(user) and not self.healed
        return 400 if refused else reads_right(system, user)


def test_a_model_that_refuses_every_call_has_no_noise_floor(make_world: MakeWorld) -> None:
    behaviour = Refusing()
    with ModelServer(behaviour) as server:
        world = make_world(models={"m": server.config()}, train=4)
        for _ in range(2):
            said = luigi(world, "NoiseFloor", "--replicates", "2")
            stops(said, TASK, "No call of m was answered in any of its 8 runs", "HTTP 400")
            assert "points" not in said.out
            assert not (world.lab / "noise_floor/read_sum.json").exists()
        dry = luigi(world, "Iteration", "--dry-run")
        assert "NoiseFloor` measures" in dry.out
        assert "Noise floor (" not in dry.out
        behaviour.healed = True
        assert luigi(world, "NoiseFloor", "--replicates", "2").code == 0
        assert "Noise floor (" in luigi(world, "Iteration", "--dry-run").out


def test_a_floor_with_runs_without_an_answer_states_on_how_many_it_rests(
    make_world: MakeWorld,
) -> None:
    with ModelServer(Refusing("900[01]")) as server:
        world = make_world(models={"m": server.config()}, train=8)
        said = luigi(world, "NoiseFloor", "--replicates", "3")
        assert said.code == 0, said.err
        assert "All figures rest on 18 answers of 24 runs" in said.out
        assert "HTTP 400" in said.out
        assert "| m | 18 of 24 | 1.00 |" in said.out
        dry = luigi(world, "Iteration", "--dry-run")
        assert "It rests on 18 answers of 24 runs." in dry.out


def test_a_floor_that_an_older_version_made_without_answers_is_not_quoted(
    make_world: MakeWorld,
) -> None:
    world = make_world(models={"m": scripted(READS_FIRST)}, train=4)
    assert luigi(world, "NoiseFloor", "--replicates", "2").code == 0
    path = world.lab / "noise_floor/read_sum.json"
    record = json.loads(path.read_text())
    [model] = record["by_model"]
    del model["answers"], model["why_unanswered"]
    for mean, quoted in ((0.5, True), (0.0, False)):
        model["mean"] = mean
        path.write_text(json.dumps(record))
        dry = luigi(world, "Iteration", "--dry-run")
        assert ("Noise floor (" in dry.out) is quoted, dry.err


def test_without_any_run_there_is_no_noise_floor(make_world: MakeWorld) -> None:
    world = make_world(models={"m": scripted(READS_FIRST)}, train=4)
    stops(
        luigi(world, "NoiseFloor", "--skip-runner"), TASK, "No run of m", "Leave --skip-runner out"
    )


def test_a_candidate_has_no_place_in_it(make_world: MakeWorld) -> None:
    said = luigi(make_world(), "NoiseFloor", "--branch", "mine")
    assert said.code != 0
    assert "NoiseFloor runs the baseline" in said.err
