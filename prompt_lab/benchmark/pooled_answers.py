"""The answers of the recent benchmarks that feedback and comparisons rest on."""

from collections.abc import Sequence

from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult

Answers = dict[str, list[bool]]
"""suite/plan -> passes of its repeats, oldest first."""


def split_recent(
    history: Sequence[BenchmarkResults], most: int
) -> tuple[list[BenchmarkResults], dict[str, str]]:
    """The last benchmarks that may be compared, and benchmark -> why it may not.

    Where a suite has changed since, its older benchmarks asked something else.
    """
    last = [one for one in history if one.purpose == "benchmark"][-most:]
    newest = {one.suite: one for one in last if one.models}
    kept, left_out = [], {}
    for one in last:
        current = newest.get(one.suite)
        if current is None or not one.models or one.suite_sha256 == current.suite_sha256:
            kept.append(one)
        else:
            left_out[one.path] = f"the suite {one.suite!r} has changed before {current.path}"
    return kept, left_out


def counts(row: ModelPhaseResult) -> bool:
    """Whether a row's answers may be used."""
    return row.validity == "VALID" and row.total > 0


def rows_of(recent: Sequence[BenchmarkResults], key: str) -> list[ModelPhaseResult]:
    """The rows of a model::phase that count, oldest first."""
    return [row for one in recent for row in one.models if row.key == key and counts(row)]


def with_row(recent: Sequence[BenchmarkResults], key: str) -> list[BenchmarkResults]:
    """The benchmarks that have a row of a model::phase that counts."""
    return [one for one in recent if rows_of([one], key)]


def pool_answers(recent: Sequence[BenchmarkResults], key: str) -> Answers:
    """The answers of a model::phase over all these benchmarks."""
    found: Answers = {}
    for one in recent:
        for row in rows_of([one], key):
            for plan in row.plans:
                passes = [mark == "P" for mark in plan.pattern]
                found.setdefault(f"{one.suite}/{plan.plan}", []).extend(passes)
    return found


def run_folders(recent: Sequence[BenchmarkResults], key: str) -> tuple[str, ...]:
    """The run folders behind these answers, relative to the lab: one for each model and repeat."""
    paths = (run for row in rows_of(recent, key) for plan in row.plans for run in plan.runs)
    return tuple(dict.fromkeys(path.partition("/outputs/")[0] for path in paths))


def measured_price(recent: Sequence[BenchmarkResults], key: str) -> float | None:
    """Mean dollars of an answer of a model::phase; None where nothing was paid or answered."""
    rows = rows_of(recent, key)
    total, cost = sum(row.total for row in rows), sum(row.cost_usd for row in rows)
    return cost / total if total and cost > 0 else None
