"""Service levels, alerts and the release gate: a fixture for each class of failure."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.canary import (
    CanaryCandidate,
    LiveTraffic,
    start_canary,
    withdraw_canary,
)
from prompt_lab.promptops.drift_safety import DriftFinding
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.release_gate import (
    ReleaseDecision,
    decide_release,
    find_faults,
    render_decision,
    write_decision,
)
from prompt_lab.promptops.slo import (
    SloSource,
    measure_slos,
    render_slos,
    write_slos,
)
from prompt_lab.promptops.slo_levels import newcombe, wilson
from prompt_lab.promptops.slo_records import SloReport
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry
from tests.memory_stores import MemoryOutcomes
from tests.pipeline.web.labs import ID, QUERY, find_any, why, write_text
from tests.prompt_lab.tasks.validate import check

NOW = "2026-03-10T12:00:00.000Z"
TODAY, YESTERDAY = "2026-03-10", "2026-03-08"
CONFIG = PromptOpsConfig()


def make_calls(day: str, share: int, count: int = 100, **facts: Any) -> list[CallOutcome]:
    given = {"prompt_id": "query", "task_class": "question", "latency_ms": 100.0, **facts}
    name = f"{day}-{given['prompt_id']}-{given['task_class']}-{given.get('arm', '')}"
    hour = "10" if day == TODAY else "23"
    return [
        CallOutcome.model_validate(
            {
                "trace": f"{name}-{number}",
                "when": f"{day}T{hour}:00:00.000Z",
                "success": number % 10 < share,
                **given,
            }
        )
        for number in range(count)
    ]


def measure(root: Path, calls: list[CallOutcome], now: str = NOW) -> SloReport:
    source = SloSource(Lab(root), MemoryOutcomes(calls).summary)
    return measure_slos(source, CONFIG, now=now)


HEALTHY = make_calls(YESTERDAY, 9, grounding=0.9, cost_usd=0.01) + make_calls(
    TODAY, 9, grounding=0.9, cost_usd=0.01
)
FAILURES: dict[str, list[CallOutcome]] = {
    "stale_metrics": [],
    "success_regressed": make_calls(YESTERDAY, 9) + make_calls(TODAY, 6),
    "grounding_fell": make_calls(YESTERDAY, 9, grounding=0.9) + make_calls(TODAY, 9, grounding=0.5),
    "latency_exceeded": make_calls(TODAY, 9, latency_ms=9000.0),
    "cost_exceeded": make_calls(TODAY, 9, cost_usd=0.2),
}


def test_the_report_breaks_down_by_prompt_and_class_and_keeps_its_schema(tmp_path: Path) -> None:
    calls = HEALTHY + make_calls(TODAY, 5, prompt_id="query", task_class="count")
    calls += make_calls(TODAY, 7, count=29, prompt_id="other", task_class="count")
    report = measure(tmp_path, calls)
    found = {(one.scope, one.prompt_id, one.task_class): one for one in report.levels}
    assert set(found) == {
        ("all", "", ""),
        ("task_class", "", "count"), ("task_class", "", "question"),
        ("prompt", "query", ""), ("prompt", "other", ""),
        ("prompt_and_class", "query", "question"), ("prompt_and_class", "query", "count"),
        ("prompt_and_class", "other", "count"),
    }  # fmt: skip
    assert found["prompt", "query", ""].success == 0.7
    one = found["prompt_and_class", "query", "question"]
    limits = binomtest(90, 100).proportion_ci(0.95, method="wilson")
    assert (one.success_low, one.success_high) == pytest.approx((limits.low, limits.high))
    assert one.success_delta == 0.0
    assert found["prompt_and_class", "other", "count"].success is None, "29 calls are too few"
    write_slos(Lab(tmp_path), report)
    written = json.loads((tmp_path / "promptops" / "artifacts" / "slo.json").read_text())
    check("promptops_slo", written)
    assert "query, question: 100 calls, success 90.0 %" in render_slos(report).replace("%", " %")


def test_a_healthy_lab_may_release(tmp_path: Path) -> None:
    decision = decide_release(measure(tmp_path, HEALTHY))
    assert (decision.allowed, decision.reasons) == (True, ())
    write_decision(Lab(tmp_path), decision)
    path = tmp_path / "promptops" / "artifacts" / "release.json"
    assert ReleaseDecision.model_validate_json(path.read_text()) == decision


@pytest.mark.parametrize("code", FAILURES)
def test_each_failure_blocks_with_its_code_alone(tmp_path: Path, code: str) -> None:
    decision = decide_release(measure(tmp_path, FAILURES[code]))
    assert [reason.code for reason in decision.reasons] == [code]
    assert not decision.allowed
    assert f"{code}: " in render_decision(decision)


def test_a_fall_within_chance_or_of_too_few_calls_blocks_nothing(tmp_path: Path) -> None:
    few = make_calls(YESTERDAY, 9, count=29) + make_calls(TODAY, 5, count=29)
    small = make_calls(YESTERDAY, 9, count=40) + make_calls(TODAY, 8, count=40)
    for calls in (few, small):
        assert decide_release(measure(tmp_path, calls)).allowed
    canary = HEALTHY + make_calls(TODAY, 0, arm="canary")
    assert decide_release(measure(tmp_path, canary)).allowed, "a canary is no service level"


def test_stale_rows_raise_an_alert_until_a_new_one_comes(tmp_path: Path) -> None:
    later = "2026-03-11T11:00:00.000Z"
    assert measure(tmp_path, HEALTHY, later).is_stale
    path = tmp_path / "promptops" / "metrics.jsonl"
    path.parent.mkdir()
    rows = [{"type": "promptops.prepare_prompt", "ts": ts} for ts in ("nonsense", "2026-04-01")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert measure(tmp_path, HEALTHY, later).is_stale, "neither row has a time that was"
    with path.open("a") as file:
        file.write(json.dumps({"type": "promptops.prepare_prompt", "ts": later}) + "\n")
    report = measure(tmp_path, HEALTHY, later)
    assert (report.is_stale, report.last_metric) == (False, later)


def test_promotions_rollbacks_and_churn_by_prompt(tmp_path: Path) -> None:
    registry = PromptRegistry(PromptFiles(tmp_path / "prompts"), find_any)
    first = registry.import_texts({ID: write_text("first")}, {}, why("import", 1)).to_snapshot
    for number in range(8):
        text = write_text(f"try {number}")
        reason = PromotionReason(WORKER, "won", f"2026-03-09T0{number}:00:00.000Z")
        registry.promote({ID: text}, {ID: f"{number}_a:{digest_text(text)}"}, reason)
        note(Lab(tmp_path), "round_ended", reason.when, prompt_id=ID)
        if number < 4:
            registry.roll_back(first, reason._replace(text="worse"))
    report = measure(tmp_path, HEALTHY)
    (rates,) = report.changes
    assert (rates.rounds, rates.promotions, rates.rollbacks) == (8, 8, 4)
    assert (rates.win_rate, rates.rollback_rate, rates.churn_per_week) == (1.0, 0.5, 8.0)
    decision = decide_release(report)
    assert [one.code for one in decision.reasons] == ["rollback_rate", "template_churn"]
    assert decide_release(report, part="perf").allowed
    assert not decide_release(report, part="policy").allowed


def test_unsafe_rewrites_that_pass_and_a_damaged_registry_block(tmp_path: Path) -> None:
    registry = open_registry(Lab(tmp_path))
    registry.import_texts({"query": QUERY}, {}, why("import", 1))
    refused = DriftFinding("d1", "too_short", ("too_short", "size"))
    passed = DriftFinding("d2", "leakage", ("too_short",))
    assert list(find_faults(Lab(tmp_path), registry, [refused])) == []
    (fault,) = find_faults(Lab(tmp_path), registry, [refused, passed])
    assert (fault.code, fault.where) == ("drift_safety", "d2")
    assert "leakage" in fault.text
    next((tmp_path / "prompts" / "snapshots").glob("*.json")).unlink()
    with pytest.raises(Exception, match="is missing"):
        list(find_faults(Lab(tmp_path), registry, []))


def test_limits_agree_with_scipy_and_cover_the_truth() -> None:
    for hits, total in ((0, 30), (17, 40), (99, 100)):
        limits = binomtest(hits, total).proportion_ci(0.95, method="wilson")
        assert wilson(hits / total, total) == pytest.approx((limits.low, limits.high))
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        now, then = rng.binomial(60, 0.85) / 60, rng.binomial(90, 0.9) / 90
        _, low, high = newcombe((now, 60), (then, 90))
        covered += low <= -0.05 <= high
    assert binomtest(covered, 2000, 0.95).pvalue > 1e-3 or covered > 1900


def test_a_text_that_was_forced_on_live_traffic_closes_the_gate_while_it_is_there(
    tmp_path: Path,
) -> None:
    registry = PromptRegistry(PromptFiles(tmp_path / "prompts"), find_any)
    registry.import_texts({ID: write_text("first")}, {}, why("import", 1))
    live = LiveTraffic(Lab(tmp_path), registry, MemoryOutcomes([]), CONFIG.canary)
    forced = CanaryCandidate(ID, write_text("bad"), forced_by="ann: try it")
    canary = start_canary(live, forced, seed=1, now=NOW)
    decision = decide_release(measure(tmp_path, HEALTHY), part="policy")
    assert [(one.code, one.where) for one in decision.reasons] == [("forced_canary", ID)]
    assert "'ann: try it'" in render_decision(decision)
    withdraw_canary(Lab(tmp_path), canary, "switched", "it was enough", NOW)
    assert decide_release(measure(tmp_path, HEALTHY)).allowed


def test_a_canary_with_a_verdict_closes_no_gate(tmp_path: Path) -> None:
    registry = PromptRegistry(PromptFiles(tmp_path / "prompts"), find_any)
    registry.import_texts({ID: write_text("first")}, {}, why("import", 1))
    live = LiveTraffic(Lab(tmp_path), registry, MemoryOutcomes([]), CONFIG.canary)
    start_canary(live, CanaryCandidate(ID, write_text("good"), "7_q"), seed=1, now=NOW)
    assert decide_release(measure(tmp_path, HEALTHY)).allowed
