"""Feedback, rules and their enforcement; the older formats."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import validate
from statsmodels.stats.proportion import proportion_confint

from prompt_lab.benchmark.cooldowns import read_cooldowns, record_failures, why_cooling
from prompt_lab.benchmark.cycle_records import MetaLoopHistory
from prompt_lab.benchmark.enforce_routing import (
    decide_route,
    log_routing_decision,
    read_decisions,
    validate_model_phase_compatibility,
)
from prompt_lab.benchmark.feedback import build_feedback
from prompt_lab.benchmark.feedback_records import HarnessFeedback
from prompt_lab.benchmark.harness_config import HarnessConfig, WarmUpConfig
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.benchmark.routing_rules import (
    RoutingConfig,
    RoutingRule,
    generate_routing_rules,
    read_routing,
    routing_schema,
    write_routing,
)
from prompt_lab.benchmark.table_comparison import compare_table
from prompt_lab.config.routing import RoutingSwitches
from prompt_lab.store.layout import Lab
from tests.prompt_lab.benchmark.rows import benchmark, summarize

NOW = "2026-01-01T00:00:00Z"
PLANS = [f"p{n}" for n in range(20)]


def feedback(*history: BenchmarkResults) -> HarnessFeedback:
    return build_feedback(history, HarnessConfig(), {"good": 1.0}, now=NOW)


def bad_and_good(number: int) -> BenchmarkResults:
    return benchmark(
        number,
        summarize(dict.fromkeys(PLANS, "FFF"), "bad"),
        summarize(dict.fromkeys(PLANS, "PPP"), "good"),
    )


def test_a_model_that_cannot_do_the_phase_is_routed_to_one_that_can() -> None:
    found = feedback(bad_and_good(1))
    assert found.model_phase_accuracy["bad::extended"].accuracy == 0
    assert found.hot_failures[0].count == 3
    assert found.hot_failures[0].runs
    routing = generate_routing_rules(found.recommendations, now=NOW)
    rule = routing.find("bad", "extended")
    assert rule is not None
    assert (rule.allow, rule.fallback_model) == (False, "good")
    assert rule.benchmarks == ("benchmarks/1_s",)
    assert rule.runs == ("history/0/00_s", "history/0/01_s", "history/0/02_s")
    kept = routing.find("good", "extended")
    assert kept is not None
    assert kept.allow
    validate(json.loads(routing.model_dump_json()), routing_schema())


def test_every_rule_says_whether_the_model_is_allowed() -> None:
    """The old fault: rules had no `allow`, so nothing could be enforced."""
    rules = generate_routing_rules(feedback(bad_and_good(1)).recommendations, now=NOW).rules
    assert {rule.target: rule.allow for rule in rules} == {
        "bad::extended": False,
        "good::extended": True,
    }
    assert "allow" in routing_schema()["$defs"]["RoutingRule"]["required"]
    assert decide_route("bad", "extended", RoutingConfig(rules=rules)).model == "good"


def test_an_invalid_benchmark_gives_no_rule() -> None:
    row = summarize(dict.fromkeys(PLANS, "FFF"), "bad").model_copy(update={"validity": "INVALID"})
    found = feedback(benchmark(1, row))
    assert found.recommendations == ()
    assert generate_routing_rules(found.recommendations, now=NOW).rules == ()


def test_only_the_last_8_benchmarks_count_and_a_good_one_readmits() -> None:
    recovered = benchmark(9, summarize(dict.fromkeys(PLANS, "PPP"), "bad"))
    history = [bad_and_good(n) for n in range(1, 9)]
    assert len(feedback(*history, recovered).recent_runs) == 8  # type: ignore[arg-type]
    [rule] = [
        r for r in feedback(*history, recovered).recommendations if r.target == "bad::extended"
    ]
    assert rule.allow
    assert rule.reason.startswith("readmitted by benchmarks/9_s")
    later = benchmark(10, summarize(dict.fromkeys(PLANS[:3], "F"), "bad"))
    [still] = [r for r in feedback(*history, recovered, later).recommendations if r.model == "bad"]
    assert still.allow


def chain() -> RoutingConfig:
    return RoutingConfig(
        rules=(
            RoutingRule(model="LFM", phase="extended", allow=False, fallback_model="Mid"),
            RoutingRule(model="Mid", phase="extended", allow=False, fallback_model="Haiku"),
        )
    )


def test_the_fallback_chain_ends_at_a_model_that_may_and_can() -> None:
    assert not validate_model_phase_compatibility("LFM", "extended", chain()).allow
    decision = decide_route("LFM", "extended", chain())
    assert (decision.decision, decision.model) == ("routed", "Haiku")
    assert decision.reason.startswith("Routed from LFM to Haiku")
    assert decide_route("LFM", "atomic", chain()).decision == "allowed"
    forced = decide_route("LFM", "extended", chain(), force=True)
    assert (forced.decision, forced.model) == ("forced", "LFM")
    blocked = decide_route("LFM", "extended", chain(), why_unusable=lambda _: "has no key")
    assert (blocked.decision, blocked.model) == ("blocked", "")
    assert "Haiku: has no key" in blocked.reason


def test_fallbacks_in_a_circle_block() -> None:
    rules = [
        RoutingRule(model=a, phase="x", allow=False, fallback_model=b)
        for a, b in (("a", "b"), ("b", "a"))
    ]
    decision = decide_route("a", "x", RoutingConfig(rules=tuple(rules)))
    assert (decision.decision, "circle" in decision.reason) == ("blocked", True)


def test_decisions_are_appended_and_older_rows_are_read(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    old = {"timestamp": "2025-01-01", "original_model": "LFM", "fallback_model": "Haiku"}
    (tmp_path / "routing").mkdir()
    (tmp_path / "routing/routing_decisions.jsonl").write_text(json.dumps(old) + "\n")
    log_routing_decision(lab, "LFM", "extended", decide_route("LFM", "extended", chain()), now=NOW)
    first, second = read_decisions(lab)
    assert first == old
    assert (second["decision"], second["rule"]) == ("routed", "LFM::extended")
    assert set(second) == {
        *("timestamp", "original_model", "fallback_model", "phase", "reason"),
        *("decision", "rule", "runs"),
    }


@pytest.mark.parametrize(
    ("rule", "allow"),
    [
        ({"model": "a", "phase": "x", "fallback_model": "b"}, False),
        ({"model": "a", "phase": "x", "enable_warmup": True, "fallback_model": None}, True),
        ({"model": "a", "phase": "x", "fallback_model": "b", "allow": True}, True),
    ],
)
def test_a_table_without_allow_is_read(
    tmp_path: Path, rule: dict[str, object], allow: bool
) -> None:
    (tmp_path / "routing").mkdir()
    text = json.dumps({"version": "1.0", "generated_at": "x", "rules": [rule]})
    (tmp_path / "routing/routing_config.json").write_text(text)
    found = read_routing(Lab(tmp_path)).find("a", "x")
    assert found is not None
    assert found.allow is allow


def test_older_feedback_and_histories_are_read() -> None:
    old = {
        "generated_at": "2025-01-01",
        "recent_runs": 8,
        "model_phase_accuracy": {"m::x": {"passed": 1, "total": 2, "accuracy": 0.5}},
        "hot_failures": [{"key": "m::x::p", "count": 3}],
        "recommendations": [
            {"type": "routing", "model": "m", "phase": "x", "action": "block", "reason": "low"},
            {"type": "routing", "model": "m", "phase": "y", "fallback": None, "requirements": None},
        ],
    }
    assert HarnessFeedback.model_validate(old).hot_failures[0].count == 3
    assert len(MetaLoopHistory.model_validate([{"cycle": 1, "accuracy": 0.7}]).cycles) == 1


def test_the_example_rule_is_off_until_it_is_switched_on(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    assert decide_route("lfm2.5", "extended", read_routing(lab)).decision == "allowed"
    switches = RoutingSwitches(example_rules=True)
    assert decide_route("lfm2.5", "extended", read_routing(lab, switches)).model == "haiku"
    write_routing(lab, read_routing(lab, switches))
    assert read_routing(lab).rules == ()
    off = RoutingSwitches(enabled=False, example_rules=True)
    assert read_routing(lab, off).rules == ()


def test_a_persons_rule_outlives_benchmarks() -> None:
    own = RoutingRule(model="bad", phase="extended", allow=True, source="person")
    before = RoutingConfig(rules=(own,))
    found = feedback(bad_and_good(1)).recommendations
    assert generate_routing_rules(found, now=NOW, before=before).find("bad", "extended") == own


def test_cooldowns_survive_a_restart_and_a_retried_failure_counts(tmp_path: Path) -> None:
    switches = RoutingSwitches(cooldown_seconds=60, cooldown_failures=3)
    record_failures(Lab(tmp_path), "m", 2, switches, now=1000.0)
    assert why_cooling(Lab(tmp_path), "m", now=1001.0) is None
    record_failures(Lab(tmp_path), "m", 1, switches, now=1010.0)
    again = Lab(tmp_path)
    assert read_cooldowns(again).models["m"].failures == 3
    assert "after 3 failures" in str(why_cooling(again, "m", now=1030.0))
    assert why_cooling(again, "m", now=1071.0) is None
    record_failures(again, "m", 1, switches, now=1071.0)
    assert why_cooling(again, "m", now=1072.0) is None


def test_configured_fallbacks_are_tried_one_after_the_other() -> None:
    rule = RoutingRule(model="a", phase="x", allow=False, fallback_model="b")
    decision = decide_route(
        *("a", "x", RoutingConfig(rules=(rule,))),
        fallbacks={"a": ("c", "d")},
        why_unusable=lambda name: "rests" if name in "bc" else None,
    )
    assert (decision.decision, decision.model) == ("routed", "d")


def test_a_suite_that_changed_is_not_pooled_with_its_older_benchmarks() -> None:
    old = bad_and_good(1)
    new = benchmark(2, summarize(dict.fromkeys(PLANS, "FFF"), "bad"), sha="other")
    found = feedback(old, new)
    assert found.left_out == {"benchmarks/1_s": "the suite 's' has changed before benchmarks/2_s"}
    assert set(found.model_phase_accuracy) == {"bad::extended"}
    [rule] = found.recommendations
    assert (rule.action, rule.fallback) == ("block", "")


def cheap_and_dear(plans: int, config: HarnessConfig) -> HarnessFeedback:
    names = [f"p{n:03d}" for n in range(plans)]
    rows = (summarize(dict.fromkeys(names, "P"), model) for model in ("cheap", "dear"))
    prices = {"cheap": 0.001, "dear": 0.01}
    return build_feedback([benchmark(1, *rows)], config, prices, now=NOW)


def test_the_cheapest_model_that_is_shown_to_be_no_worse_is_named() -> None:
    usual = HarnessConfig()
    assert {r.type for r in cheap_and_dear(20, usual).recommendations} == {"routing"}
    found = cheap_and_dear(150, usual).recommendations
    assert [(r.model, r.type, r.fallback) for r in found] == [
        ("cheap", "routing", ""),
        ("dear", "routing", ""),
        ("dear", "cheaper", "cheap"),
    ]
    assert generate_routing_rules(found, now=NOW).find("dear", "extended").allow  # type: ignore[union-attr]
    switched = HarnessConfig(routing=RoutingSwitches(prefer_cheaper=True))
    rules = generate_routing_rules(cheap_and_dear(150, switched).recommendations, now=NOW)
    assert decide_route("dear", "extended", rules).model == "cheap"
    back = generate_routing_rules(found, now=NOW, before=rules)
    assert decide_route("dear", "extended", back).decision == "allowed"


def test_a_warm_up_shown_to_help_is_part_of_the_rule_until_it_is_taken_back() -> None:
    adopted = HarnessConfig(warm_up=WarmUpConfig(models=("good",)))
    found = build_feedback([bad_and_good(1)], adopted, {}, now=NOW)
    rules = generate_routing_rules(found.recommendations, now=NOW)
    rule = rules.find("good", "extended")
    assert rule is not None
    assert (rule.allow, rule.enable_warmup) == (True, True)
    after = generate_routing_rules(
        feedback(bad_and_good(1)).recommendations, now=NOW, before=rules
    ).find("good", "extended")
    assert after is not None
    assert not after.enable_warmup


def test_beside_the_table_stand_best_single_model_random_mix_and_oracle() -> None:
    rules = generate_routing_rules(feedback(bad_and_good(1)).recommendations, now=NOW)
    [table] = compare_table([bad_and_good(1)], rules, rng=np.random.default_rng(1)).tables
    assert (table.asked, table.choices, table.items) == ("bad", {"extended": "good"}, 20)
    assert [(row.name, row.accuracy[0]) for row in table.rows] == [
        ("routing table", 1.0),
        ("best single model", 1.0),
        ("random mix at equal cost", 1.0),
        ("oracle", 1.0),
    ]
    blocked = RoutingConfig(rules=(RoutingRule(model="bad", phase="extended", allow=False),))
    [other] = compare_table([bad_and_good(1)], blocked, rng=np.random.default_rng(1)).tables
    low, high = proportion_confint(0, 20, 0.05, method="beta")
    assert other.rows[0].accuracy == pytest.approx((0.0, low, high))
