"""A side without one answer is no evidence; a few lost answers are data, and are told."""

import pytest

from prompt_lab.evaluate.answered import (
    has_answer,
    no_answer_to_measure,
    nobody_answered,
    nothing_to_compare,
    silent,
    told_unanswered,
    unanswered,
)
from prompt_lab.names import Side, Status
from prompt_lab.records import RECORDED, CallNote, RunError, RunRow, Usage, ending
from tests.prompt_lab.evaluate.test_evidence import row

LATE = RunError(kind="time_limit", message="the plan was not done in its 1 seconds")
BAD = RunError(kind="invalid_json", message="{{{")


def run(side: Side, plan: str, **facts: object) -> RunRow:
    made = row(side, plan)
    record = made.record.model_copy(update={"usage": Usage(calls=1, calls_succeeded=1), **facts})
    status = Status.ERROR if record.error else Status.OK
    record = record.model_copy(update={"status": status, "valid": not record.error})
    return made.model_copy(update={"record": record})


def call(status: int, *, by: str = "", origin: str = "live") -> CallNote:
    return CallNote(number=0, status=status, answered_by=by, origin=origin, error="told to fail")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False),
        ({"error": BAD}, False),
        ({"error": LATE}, False),  # it had an answer before its time was up
        ({"error": LATE, "usage": Usage(calls=1)}, True),
        ({"error": LATE, "usage": Usage()}, False),  # it never asked: the step itself hangs
        ({"error": RunError(kind="refused", message=""), "usage": Usage(calls=1)}, False),
        ({"calls": (call(0),)}, True),
        ({"calls": (call(429),)}, True),
        ({"calls": (call(422, origin=RECORDED),)}, True),
        ({"calls": (call(503), call(200, by="m"))}, False),
        ({"calls": (call(400, by="m"),)}, False),  # the refusal of this request is an answer
    ],
)
def test_when_a_run_had_no_answer(facts: dict[str, object], expected: bool) -> None:
    assert unanswered(run(Side.CANDIDATE, "p", **facts).record) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, True),
        ({"error": BAD}, True),
        ({"error": RunError(kind="refused", message=""), "usage": Usage(calls=1)}, False),
        ({"error": LATE, "usage": Usage(calls=1)}, False),
        ({"calls": (call(400, by="m"),), "error": BAD}, False),
        ({"calls": (call(503), call(200, by="m"))}, True),
        ({"usage": Usage()}, True),  # a step that asks no model
    ],
)
def test_whether_a_run_has_an_answer(facts: dict[str, object], expected: bool) -> None:
    assert has_answer(run(Side.BASELINE, "p", **facts).record) is expected


def test_what_runs_of_the_baseline_can_measure() -> None:
    refused = {"error": RunError(kind="refused", message="no"), "usage": Usage(calls=1)}
    assert no_answer_to_measure([*GOOD, run(Side.BASELINE, "p9", **refused)]) is None
    found = no_answer_to_measure([*GOOD, run(Side.BASELINE, "p0", **refused)])
    assert found is not None
    assert found.text == "m answered 3 of 4 runs, and no plan twice"
    assert found.first.record.error is not None
    assert no_answer_to_measure([*GOOD, *GOOD, run(Side.BASELINE, "p0", **refused)]) is None
    none = no_answer_to_measure([*GOOD, run(Side.BASELINE, "p0", model="n", **refused)])
    assert none is not None
    assert none.text == "No call of n was answered in any of its 1 runs"
    bad = no_answer_to_measure([run(Side.BASELINE, f"p{n}", error=BAD) for n in range(3)])
    assert bad is not None
    assert bad.text == "None of 3 answers of m could be used"


LOST = {"calls": (call(0),)}
GOOD = [run(Side.BASELINE, f"p{n}") for n in range(3)]


def test_a_side_of_a_model_without_one_answer_is_silence() -> None:
    rows = [*GOOD, *(run(Side.CANDIDATE, f"p{n}", **LOST) for n in range(3))]
    found = nothing_to_compare(rows)
    assert found is not None
    assert found.text == "No call of m was answered in any of its 3 candidate runs"
    assert (found.models, found.first) == (("m",), rows[3])
    assert [reason.text for reason in silent(rows)] == [f"{found.text}."]
    other = run(Side.CANDIDATE, "p0", model="n")
    assert nobody_answered([*rows, other]) == found, "another model's answers are no help"


def test_a_few_lost_answers_are_data_and_told_in_one_line() -> None:
    lost = run(Side.CANDIDATE, "p0", **LOST)
    rows = [*GOOD, lost, *(run(Side.CANDIDATE, f"p{n}") for n in (1, 2))]
    assert nothing_to_compare(rows) is None
    assert silent(rows) == ()
    told = told_unanswered(rows)
    assert told.startswith("1 of 6 runs had no answer")
    assert "(candidate, m, p0: told to fail)" in told
    assert told_unanswered(GOOD) == ""


@pytest.mark.parametrize("kind", ["import_failed", "outputs_missing", "score_failed"])
def test_a_baseline_that_fails_everywhere_is_nothing_to_compare_with(kind: str) -> None:
    error = RunError(kind=kind, message="no")
    broken = [run(Side.BASELINE, f"p{n}", error=error) for n in range(3)]
    fine = [run(Side.CANDIDATE, f"p{n}") for n in range(3)]
    found = nothing_to_compare([*broken, *fine])
    assert found is not None
    assert "3 baseline runs" in found.text
    assert nothing_to_compare([*broken[:2], GOOD[2], *fine]) is None
    candidate = [run(Side.CANDIDATE, f"p{n}", error=error) for n in range(3)]
    assert nothing_to_compare([*GOOD, *candidate]) is None, "a broken candidate loses"
    bad = [run(Side.BASELINE, f"p{n}", error=BAD) for n in range(3)]
    assert nothing_to_compare([*bad, *fine]) is None, "what a model says badly is data"


def test_the_end_of_a_traceback_is_what_is_shown() -> None:
    lines = [f'  File "deep/{n}.py", line {n}, in step' for n in range(40)]
    text = "\n".join(["Traceback:", *lines, "", "ValueError: two options, not three"])
    shown = ending(text)
    assert shown.endswith("ValueError: two options, not three")
    assert len(shown) <= 300
    assert ending("score() failed: Traceback (most recent call last):\nKeyError: 1") == (
        "score() failed: \nKeyError: 1"
    )
    said = RunError(kind="import_failed", message=text).summary
    assert said.startswith("import_failed: ")
    assert "\n" not in said


@pytest.mark.parametrize(("cut", "stops"), [(1, False), (2, False), (3, True), (20, True)])
def test_many_truncated_inputs_give_no_verdict(cut: int, stops: bool) -> None:
    """Up to a tenth of a side's runs are errors with score 0, as any other."""
    error = RunError(kind="input_truncated", message="num_ctx")
    rows = [
        run(side, f"p{n}", **({"error": error} if side is Side.CANDIDATE and n < cut else {}))
        for side in Side
        for n in range(20)
    ]
    found = nothing_to_compare(rows)
    assert (found is not None) is stops
    if found is not None:
        assert found.text.startswith(f"{cut} of 20 candidate runs have an input that is longer")
        assert [reason.facts["finding"] for reason in silent(rows)] == ["nothing_ran"]
