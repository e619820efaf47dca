"""A step in our own process may ask until its time is up."""

import time
from threading import Event

import pytest

from prompt_lab.errors import CallRefused, TimeUp, TransientError
from prompt_lab.experiments.deadline import within
from prompt_lab.ports import Answer, Request
from tests.processes import HANG_SECONDS

ASKED = Request("s", "u")


def answer(_: Request) -> Answer:
    return Answer("x", 1, 1, 0.0)


def test_an_answer_in_time_is_passed_on() -> None:
    assert within(5.0, answer)(ASKED).text == "x"


def test_what_a_call_raises_is_raised_here() -> None:
    def fails(_: Request) -> Answer:
        raise TransientError("no network")

    with pytest.raises(TransientError, match="no network"):
        within(5.0, fails)(ASKED)


def test_nobody_waits_for_a_call_beyond_the_limit() -> None:
    never = Event()

    def hangs(_: Request) -> Answer:
        never.wait(HANG_SECONDS)
        return Answer("late", 1, 1, 0.0)

    begun = time.monotonic()
    with pytest.raises(TimeUp, match=r"0\.05 seconds"):
        within(0.05, hangs)(ASKED)
    assert time.monotonic() - begun < HANG_SECONDS / 2
    never.set()


def test_the_limit_is_one_for_all_calls() -> None:
    ask = within(0.6, answer)
    assert ask(ASKED).text == "x"
    time.sleep(0.65)
    with pytest.raises(CallRefused) as caught:
        ask(Request("s", "again"))
    assert caught.value.kind == "time_limit"
