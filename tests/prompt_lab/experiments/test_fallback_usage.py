"""What a run records of calls that a fallback answered: its retries, and whose seconds."""

import pytest

from adapters.gateway.records import CallAttempt, CallRecord, RunId
from adapters.gateway.sessions import note_call
from prompt_lab.config.models import ModelConfig
from prompt_lab.experiments.meter import GatewayMeter
from prompt_lab.names import Side
from prompt_lab.ports import Answer, Request

RUN = RunId(models=("dead", "alive"), plan="p", side=Side.BASELINE, replicate=0)


class Silent:
    """ports.Llm that no call reaches."""

    def check(self) -> str | None:
        return None

    def ask(self, request: Request) -> Answer:
        raise AssertionError("the gateway asks")

    def close(self) -> None:
        """Nothing to close."""


def call(answered_by: str) -> CallRecord:
    """Five attempts of 1.5 s on a dead model, then one of 0.5 s on the next."""
    attempts = [CallAttempt(model="dead", problem="HTTP 500", seconds=1.5) for _ in range(5)]
    attempts.append(CallAttempt(model="alive", status=200, seconds=0.5))
    return CallRecord(
        run=RUN, number=0, dialect="chat", key="k", begun="", seconds=8.0, attempts=attempts,
        answered_by=answered_by, status=200 if answered_by else 503, request={},
    )  # fmt: skip


def test_attempts_of_a_dead_model_are_retries_and_not_the_answering_one_s_seconds() -> None:
    note = note_call(call("alive"), [call("alive")])
    assert (note.retries, note.seconds, note.seconds_elsewhere) == (5, 8.0, 7.5)
    config = ModelConfig(alias="dead", provider="scripted", id="x", deterministic=True)
    meter = GatewayMeter(Silent(), config, notes=[note], seconds_run=9.0)
    assert meter.usage().retries == 5
    assert meter.seconds() == pytest.approx(1.5)


def test_where_nobody_answered_all_seconds_are_the_run_s() -> None:
    note = note_call(call(""), [call("")])
    assert (note.retries, note.seconds_elsewhere) == (5, 0.0)
