"""What a benchmark counts, and what it says about it."""

from pathlib import Path

from prompt_lab.benchmark.run_suite import idle_seconds, read_suite_runs
from prompt_lab.benchmark.supervisor import (
    SuiteRun,
    render_supervisor_table,
    summarize_model,
    why_excluded,
)
from prompt_lab.names import Split
from prompt_lab.records import RunError
from prompt_lab.store.batch import Batch
from prompt_lab.store.files import write_record
from prompt_lab.store.layout import MARKER, Lab
from prompt_lab.store.runs import write_meta
from tests.prompt_lab.benchmark.rows import planned, record, summarize


def test_a_stale_result_of_a_failed_run_is_not_scored() -> None:
    """The old fault: the run ended with rc 2, and the file of an earlier run was scored."""
    run = planned("p", 0)
    ended = record(run, passed=True).model_copy(
        update={"error": RunError(kind="exit_code", message="'step' ended with exit code 2")}
    )
    row = summarize_model(
        [SuiteRun(run, ended)], {run.path: run}, phase="a", part="label", pass_score=1
    )
    assert (row.passed, row.total) == (0, 0)
    assert "ended with exit code 2" in row.excluded[0].reason


def test_what_an_earlier_invocation_left_is_read_from_disk_and_not_scored(tmp_path: Path) -> None:
    """The folder's claim decides, not the name of the file: the same file counts for its own."""
    lab, run = Lab(tmp_path), planned("p", 0)
    out = tmp_path / run.path
    write_record(out / MARKER, record(run, passed=True))
    write_meta(out.parent.parent, {"batch": "benchmark_1-old"})
    batch = Batch(name="benchmark_2-new", split=Split.TRAIN, commits={}, runs=(run,))
    found = read_suite_runs(lab, batch, "m")
    for name, total in (("benchmark_2-new", 0), ("benchmark_1-old", 1)):
        row = summarize_model(
            found, {run.path: run}, phase="a", part="label", pass_score=1, batch=name
        )
        assert row.total == total
    assert "claimed for benchmark_1-old" in str(why_excluded(found[0], {run.path: run}, "x"))


def test_an_idle_is_counted_from_the_records_of_this_benchmark() -> None:
    run = planned("p", 0)
    assert idle_seconds([SuiteRun(run, None)], now="2026-01-01T00:10:00Z") is None
    ended = record(run, passed=True).model_copy(update={"ended": "2026-01-01T00:01:00Z"})
    assert idle_seconds([SuiteRun(run, ended)], now="2026-01-01T00:10:00Z") == 540


def test_a_result_of_another_invocation_is_named_and_scores_nothing() -> None:
    run = planned("p", 0)
    other = SuiteRun(run, record(run, passed=True, key="another content key"))
    row = summarize_model([other], {run.path: run}, phase="a", part="label", pass_score=1)
    assert (row.total, row.excluded[0].reason) == (0, "its record is of another run")
    row = summarize_model(
        [SuiteRun(run, record(run, passed=True))], {}, phase="a", part="label", pass_score=1
    )
    assert (row.total, row.excluded[0].reason) == (0, "belongs to another invocation")


def test_a_run_without_a_record_is_incomplete() -> None:
    run = planned("p", 0)
    row = summarize_model(
        [SuiteRun(run, None)], {run.path: run}, phase="a", part="label", pass_score=1
    )
    assert (row.total, row.excluded[0].reason) == (0, "its run has not finished")
    assert "not scored" in render_supervisor_table([row])


def test_patterns_go_by_plan_and_by_position() -> None:
    row = summarize({"a": "FPP", "b": "PPP"})
    assert {one.plan: one.pattern for one in row.plans} == {"a": "FPP", "b": "PPP"}
    assert row.flaky == ("a",)
    assert [one.accuracy for one in row.repeats] == [0.5, 1.0, 1.0]
    runs = [planned(plan, 0) for plan in "ab"]
    late = [
        SuiteRun(runs[0], record(runs[0], passed=False, started="2026-01-01T00:00:02")),
        SuiteRun(runs[1], record(runs[1], passed=True, started="2026-01-01T00:00:01")),
    ]
    found = summarize_model(
        late, {one.path: one for one in runs}, phase="a", part="label", pass_score=1
    )
    assert found.repeats[0].pattern == "PF"


def test_variance_is_split_into_within_plans_and_between_repeats() -> None:
    steady = summarize({"a": "PPP", "b": "FFF"})
    assert (steady.variance_within, steady.variance_between) == (0.0, 0.0)
    shaky = summarize({"a": "PF", "b": "PF"})
    assert (shaky.variance_within, shaky.variance_between) == (0.25, 0.25)
