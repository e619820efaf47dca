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
from tests.pipeline.world import World

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
        page = (world.lab / "noise_floor/read_sum.md").read_text()
        assert patterns["plan_train_001"] in page
        assert "calls, $" in page
        again = luigi(world, "NoiseFloor", "--replicates", "6")
        assert (again.code, server.calls.total()) == (0, 48)
        dry = luigi(world, "Iteration", "--dry-run")
        assert "To see +10 points with 80% power you need about" in dry.out, dry.err
        assert "4 are flaky" in dry.out
        assert luigi(world, "Iteration").code == 0
        planned = world.record(1, "batch_train")["runs"]
        assert sum(run["reused"] for run in planned) == 8
        assert sum(run["probe"] for run in planned) == 8  # so few plans are all made again


def test_a_candidate_has_no_place_in_it(make_world: MakeWorld) -> None:
    said = luigi(make_world(), "NoiseFloor", "--branch", "mine")
    assert said.code != 0
    assert "NoiseFloor runs the baseline" in said.err
