"""The routing table where an iteration chooses its models, whatever batch they run in."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.wiring import open_context
from prompt_lab.benchmark.cooldowns import record_failures
from prompt_lab.benchmark.lab_router import LabRouter
from prompt_lab.benchmark.routing_cycle import route_model
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule, write_routing
from prompt_lab.errors import ModelUnavailable
from prompt_lab.experiments.drive import make_experiment
from prompt_lab.experiments.prepare import plan_iteration, prepare
from prompt_lab.experiments.routed_models import admit_models
from prompt_lab.runner.order import Flags, read_order
from prompt_lab.store.layout import Lab
from tests.pipeline.world import READS_FIRST, READS_WELL, World, scripted

MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    models = {"bad": scripted(READS_FIRST, short="b"), "good": scripted(READS_WELL)}
    made = make_world(models=models, train=12)
    path = made.root / "configs/suites/extended.yaml"
    path.parent.mkdir()
    path.write_text("{phase: extended, step: read_sum, plans: [plan_train_000]}")
    return made


def keep_away(world: World, *rules: tuple[str, str]) -> None:
    write_routing(
        Lab(world.lab),
        RoutingConfig(
            rules=tuple(
                RoutingRule(
                    model=model,
                    phase="extended",
                    allow=False,
                    fallback_model=other,
                    reason="0 of 9",
                )
                for model, other in rules
            )
        ),
    )


def decisions(world: World) -> list[dict[str, Any]]:
    path = world.lab / "routing/routing_decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_an_iteration_runs_the_model_that_routing_chooses(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_away(world, ("b", "good"))
    context = open_context(world.lab, world.root / "configs")
    experiment = make_experiment(context, models="bad")
    assert plan_iteration(experiment).models == ("good",)
    assert decisions(world) == []  # a plan alone leaves no trace
    prepare(experiment)
    meta = plan_iteration(experiment)
    assert (meta.models, meta.asked_models) == (("good",), ("bad",))
    assert "Routed from bad to good: 0 of 9" in capsys.readouterr().out
    assert [row["decision"] for row in decisions(world)] == ["routed"]
    keep_away(world, ("good", ""))  # a trial that was begun keeps its models
    assert make_experiment(context, models="bad").number == experiment.number
    prepare(experiment)


def test_a_blocked_model_is_refused_with_the_flag_that_runs_it(world: World) -> None:
    keep_away(world, ("bad", "nobody"))
    context = open_context(world.lab, world.root / "configs")
    with pytest.raises(ModelUnavailable, match=r"nobody: is no model.*\n.*--force-model"):
        admit_models(context, ["bad", "good"], "read_sum")
    [forced] = admit_models(context, ["bad"], "read_sum", force=True)
    assert forced.alias == "bad"
    (world.root / "configs/benchmark.yaml").write_text("{routing: {enabled: false}}")
    [free] = admit_models(context, ["bad"], "read_sum")
    assert free.alias == "bad"


def test_a_fallback_that_rests_after_failures_is_passed_over(world: World) -> None:
    keep_away(world, ("bad", "good"))
    context = open_context(world.lab, world.root / "configs")
    router = LabRouter(context)
    router.note_failures("good", 3)
    found = route_model(context, "bad", "extended", "read_sum", force=False)
    assert (found.decision, "after 3 failures" in found.reason) == ("blocked", True)
    record_failures(Lab(world.lab), "other", 1, router.switches, now=0.0)
    assert not router.is_resting("other")


def test_an_unknown_fallback_is_named_and_no_traceback(world: World) -> None:
    keep_away(world, ("bad", "nobody"))
    context = open_context(world.lab, world.root / "configs")
    found = route_model(context, "bad", "extended", "read_sum", force=False)
    assert found.reason == "0 of 9; nobody: is no model of this project"


def test_the_commands_of_the_phases_find_their_way(world: World) -> None:
    context = open_context(world.lab, world.root / "configs")
    router = LabRouter(context)
    assert (router.phases("read_sum"), router.phase_of("read_sum")) == (("extended",), "extended")
    assert Path(router.gateway_routing().lab) == world.lab.resolve()  # type: ignore[union-attr]


def test_the_runner_takes_the_routed_model_and_hands_the_phase_to_the_gateway(
    world: World,
) -> None:
    context = open_context(world.lab, world.root / "configs")
    flags = Flags(
        models=("bad", "good"),
        baseline_dir=world.lab / "baseline/train",
        output_dir=world.root / "out",
        step="read_sum",
    )
    order = read_order(flags, context)
    assert (order.models, order.phase) == (("bad", "good"), "extended")
    keep_away(world, ("bad", "good"))
    order = read_order(flags, context)
    assert (order.models, order.phase) == (("good",), "")
    forced = read_order(replace(flags, force_model=True), context)
    assert (forced.models, forced.phase) == (("bad", "good"), "")
    assert [row["decision"] for row in decisions(world)] == ["routed", "forced"]
