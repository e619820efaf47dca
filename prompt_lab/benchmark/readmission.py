"""The gate over the recent benchmarks of one model, with re-admission by a later one."""

from collections.abc import Sequence

from prompt_lab.benchmark.harness_config import PolicyGates
from prompt_lab.benchmark.policy_gates import GateDecision, decide_gate, minimum_accuracy
from prompt_lab.benchmark.pooled_answers import pool_answers, with_row
from prompt_lab.benchmark.records import BenchmarkResults


def decide_recent(
    recent: Sequence[BenchmarkResults], key: str, gates: PolicyGates
) -> GateDecision | None:
    """The gate's decision on a model::phase; None where it has none.

    A benchmark that alone is above the gate, with enough answers, readmits a model that the ones
    before it block: from then on these count no more.
    """
    phase = key.partition("::")[2]
    least, benchmarks = minimum_accuracy(phase, gates), with_row(recent, key)
    begin = 0
    for number in range(1, len(benchmarks)):
        before = decide_gate(pool_answers(benchmarks[begin:number], key), phase, gates)
        alone = decide_gate(pool_answers(benchmarks[number : number + 1], key), phase, gates)
        if before is None or alone is None or least is None or before.allow:
            continue
        if alone.allow and not alone.provisional and alone.interval.accuracy >= least:
            begin = number
    found = decide_gate(pool_answers(benchmarks[begin:], key), phase, gates)
    if found is None or not begin or not found.allow:
        return found
    return found._replace(reason=f"readmitted by {benchmarks[begin].path}: {found.reason}")
