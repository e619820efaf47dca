"""When a model is warmed up: asked for, switched on, adopted by a test, or ruled by a person."""

from collections.abc import Callable

import pytest

from pipeline.wiring import open_context
from prompt_lab.benchmark.cold_starts import ColdStart, validate_warm_up
from prompt_lab.benchmark.harness_config import read_harness_config, roll_back
from prompt_lab.benchmark.open_benchmark import BenchmarkRequest
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule, write_routing
from prompt_lab.benchmark.run_suite import is_warm_up_on
from prompt_lab.benchmark.warm_up_trial import adopt_warm_up
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.layout import Lab
from tests.pipeline.world import READS_WELL, World, scripted

MakeWorld = Callable[..., World]


@pytest.fixture
def context(make_world: MakeWorld) -> LabContext:
    world = make_world(models={"good": scripted(READS_WELL, short="g")}, train=2)
    return open_context(world.lab, world.root / "configs")


def is_on(context: LabContext, **request: bool) -> bool:
    wanted = BenchmarkRequest("s", **request)  # type: ignore[arg-type]
    return is_warm_up_on(context, read_harness_config(context), wanted, "good", "extended")


def test_a_warm_up_is_off_until_asked_for_or_ruled(context: LabContext) -> None:
    assert not is_on(context)
    assert is_on(context, enable_warmup=True)
    rule = RoutingRule(model="g", phase="extended", allow=True, enable_warmup=True, source="person")
    write_routing(Lab(context.lab.root), RoutingConfig(rules=(rule,)))
    assert is_on(context)


@pytest.mark.parametrize(("starts", "adopted"), [(1, False), (5, True)])
def test_a_warm_up_becomes_the_default_only_on_a_yes(
    context: LabContext, starts: int, adopted: bool
) -> None:
    rows = [ColdStart(start=n, cold="FFPPPPP", warm="PPPPPPP") for n in range(starts)]
    assert adopt_warm_up(context, validate_warm_up("good", "s", rows)) is adopted
    assert is_on(context) is adopted
    if adopted:
        roll_back(context, -1, actor="test", now="2026-01-01")
        assert not is_on(context)
