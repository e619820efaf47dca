"""A report page with everything on it, and texts that try to be markup."""

from prompt_lab.benchmark.candidates import HarnessCandidate
from prompt_lab.benchmark.cold_starts import ColdStart, validate_warm_up
from prompt_lab.benchmark.cycle_records import CycleBaseline, CycleResults, SelectedCandidate
from prompt_lab.benchmark.cycle_report import HarnessView
from prompt_lab.benchmark.routing_rules import RoutingRule
from tests.prompt_lab.benchmark.rows import benchmark, summarize

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }}"
BASELINE = CycleBaseline(model="small", suite="extended", phase="extended")


def cycle(number: int, **more: object) -> CycleResults:
    """A cycle whose one candidate was tested."""
    usual: dict[str, object] = {
        "generated_at": "2026-01-01T00:00:00Z",
        "baseline": BASELINE,
        "ran": "small",
        "baseline_accuracy": 0.4,
        "candidates": (HarnessCandidate(name="temperature=0.3", kind="temperature", value=0.3),),
        "selection": (SelectedCandidate(name="temperature=0.3", passed=3, total=8),),
        "winner": "small+temperature=0.3",
        "tested_baseline": 0.4,
        "tested_winner": 0.6,
        "outcome": "NO",
        "reason": HOSTILE,
        "p_value": 0.04,
        "alpha": 0.0304,
        "effect": 0.2,
        "low": -0.1,
        "high": 0.5,
    }
    return CycleResults.model_validate({"cycle": number, **usual, **more})


def full_view() -> HarnessView:
    """Two cycles of which one was adopted and one was blocked, rules, decisions, a warm-up."""
    starts = [ColdStart(start=n, cold="FFPPP", warm="PPPPP") for n in range(8)]
    marks = {f"p{n:02d}": "PFP" for n in range(21)}
    adopted = {"outcome": "YES", "changed": True, "config_version": 2, "pull": "pulls/0001.json"}
    return HarnessView(
        cycles=[
            cycle(1),
            cycle(2, **adopted, pull_state="merged", low=0.1),
            CycleResults(cycle=3, generated_at="", baseline=BASELINE, reason="blocked"),
        ],
        results=[benchmark(1, summarize(marks)), benchmark(2, summarize(marks, model=HOSTILE))],
        rules=[RoutingRule(model="small", phase="extended", allow=False, reason=HOSTILE)],
        decisions=[
            {"timestamp": "2026-01-01T00:00:00Z", "original_model": HOSTILE, "decision": "blocked"}
        ],
        warm_ups=[validate_warm_up("small", "atomic", starts)],
    )
