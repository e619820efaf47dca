"""An answer that a model or a filter withheld is no evidence, though a step went on with it."""

import pytest

from adapters.gateway.records import CallRecord, RunId
from adapters.gateway.sessions import note_call
from prompt_lab.experiments.execute import refuse_withheld
from prompt_lab.names import Side
from prompt_lab.records import RunError
from prompt_lab.step_results import StepResult

RUN = RunId(models=("m",), plan="p", side=Side.BASELINE, replicate=0)
GOOD = StepResult({}, "", "", None)


def _calls(*ends: tuple[str, str]) -> list[CallRecord]:
    """Calls of (request, finish), all answered with JSON that fits."""
    return [
        CallRecord(
            run=RUN, number=number, dialect="chat", key=key, begun="", request={}, finish=finish,
            status=200, answered_by="m", answer='{"amount": 1}',
        )
        for number, (key, finish) in enumerate(ends)
    ]  # fmt: skip


def _result(*ends: tuple[str, str], before: StepResult = GOOD) -> StepResult:
    calls = _calls(*ends)
    return refuse_withheld(before, [note_call(call, calls) for call in calls])


@pytest.mark.parametrize("finish", ["content_filter", "refusal"])
def test_8_a_withheld_answer_is_an_error_of_its_own_kind(finish: str) -> None:
    error = _result(("a", "stop"), ("b", finish), ("c", "stop")).error
    assert error is not None
    assert error.kind == finish
    assert "call 1" in error.message


def test_what_was_asked_again_and_answered_is_an_answer() -> None:
    assert _result(("a", "refusal"), ("a", "stop")) == GOOD
    assert _result(("a", "stop"), ("a", "refusal")).error is not None
    assert _result(("a", "stop"), ("b", "length")) == GOOD
    assert _result() == GOOD


def test_the_steps_own_error_says_more() -> None:
    own = StepResult({}, "", "", RunError(kind="invalid_answer", message="no JSON"))
    assert _result(("a", "refusal"), before=own) == own
