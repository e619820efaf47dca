"""Planned runs, their records and whole benchmarks, made for the tests."""

from collections.abc import Mapping

from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult
from prompt_lab.benchmark.supervisor import SuiteRun, summarize_model
from prompt_lab.names import Side, Split, Status
from prompt_lab.records import RunRecord, SentEvidence, Usage
from prompt_lab.store.batch import PlannedRun


def planned(plan: str, repeat: int, model: str = "m", key: str = "k") -> PlannedRun:
    return PlannedRun(
        side=Side.BASELINE,
        model=model,
        plan=plan,
        replicate=repeat,
        path=f"history/0/{repeat:02d}_s/outputs/{plan}",
        content_key=f"{key}/{model}/{plan}/{repeat}",
    )


def record(run: PlannedRun, *, passed: bool, started: str = "", key: str = "") -> RunRecord:
    return RunRecord(
        iteration=0,
        step="s",
        split=Split.TRAIN,
        side=run.side,
        model=run.model,
        plan=run.plan,
        replicate=run.replicate,
        status=Status.OK,
        scores={"label": float(passed)},
        primary=float(passed),
        valid=True,
        usage=Usage(calls=1, calls_succeeded=1),
        sent=SentEvidence(wanted_commit="c", head="c", tree_clean=True, files={}, prompt_sha256=""),
        content_key=key or run.content_key,
        answered_by="id",
        started=started or f"2026-01-01T00:00:{run.replicate:02d}",
        ended="2026-01-01T00:01:00",
        duration_seconds=1.0,
    )


def summarize(
    patterns: Mapping[str, str], model: str = "m", phase: str = "extended"
) -> ModelPhaseResult:
    """plan -> P or F for each repeat."""
    runs = []
    for plan, pattern in patterns.items():
        for repeat, mark in enumerate(pattern):
            run = planned(plan, repeat, model)
            runs.append(SuiteRun(run, record(run, passed=mark == "P")))
    ours = {run.planned.path: run.planned for run in runs}
    return summarize_model(runs, ours, phase=phase, part="label", pass_score=1.0)


def benchmark(
    number: int, *rows: ModelPhaseResult, suite: str = "s", sha: str = "sha"
) -> BenchmarkResults:
    return BenchmarkResults(
        number=number,
        id=str(number),
        suite=suite,
        phase=rows[0].phase,
        suite_sha256=sha,
        step="s",
        commit="c",
        repeats=1,
        started="",
        ended="",
        models=rows,
    )
