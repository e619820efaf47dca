"""The times of both arms of a trial, as the gate gets them."""

from prompt_lab.names import Side
from prompt_lab.promptops.tried import ArmSeconds, measure_seconds
from prompt_lab.records import RECORDED, CallNote, RunRow, Usage
from tests.prompt_lab.analyze.making import row


def timed(side: Side, plan: str, seconds: float, *, calls: int = 1, reused: bool = False) -> RunRow:
    usage = Usage(calls=calls)
    made = row(side, plan, "a", duration_seconds=seconds, usage=usage)
    return made.model_copy(update={"reused": reused})


def test_a_median_call_of_each_arm() -> None:
    rows = [timed(Side.BASELINE, f"p{n}", seconds) for n, seconds in enumerate((1.0, 2.0, 9.0))]
    rows += [timed(Side.CANDIDATE, "p0", 8.0, calls=2), timed(Side.CANDIDATE, "p1", 5.0)]
    assert measure_seconds(rows) == ArmSeconds(baseline=2.0, candidate=4.5)


def test_runs_of_another_day_count_only_where_an_arm_has_no_others() -> None:
    old = [timed(Side.BASELINE, "p0", 30.0, reused=True)]
    new = [timed(Side.BASELINE, "p1", 2.0), timed(Side.CANDIDATE, "p1", 3.0)]
    assert measure_seconds(old + new) == ArmSeconds(2.0, 3.0)
    assert measure_seconds(old) == ArmSeconds(30.0, None)


def test_failed_runs_and_replayed_answers_have_no_time() -> None:
    failed = row(Side.BASELINE, "p0", None, error=("timeout", "late"), duration_seconds=60.0)
    replayed = row(Side.CANDIDATE, "p0", "a", calls=(CallNote(number=0, origin=RECORDED),))
    assert measure_seconds([failed, replayed]) == ArmSeconds(None, None)
