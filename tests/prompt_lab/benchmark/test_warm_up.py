"""One warm-up call: what it says, and that it never stops a benchmark."""

from threading import Event

import pytest

from prompt_lab.benchmark.warm_up import warm_up_model
from prompt_lab.errors import TransientError
from prompt_lab.ports import Answer, Request

REQUEST = Request("You sort tickets.", "What is 2+2?")


class Model:
    """Answers, or fails, or stays silent until the test ends."""

    def __init__(self, error: Exception | None = None, wait: Event | None = None) -> None:
        self.error, self.wait = error, wait
        self.asked: list[Request] = []

    def check(self) -> str | None:
        return None

    def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        if self.wait is not None:
            self.wait.wait()
        if self.error is not None:
            raise self.error
        return Answer("4", 9, 1, 0.1)

    def close(self) -> None:
        """Nothing to close."""


def test_a_warm_up_says_that_it_is_complete() -> None:
    model = Model()
    found = warm_up_model("m", model, REQUEST, 10)
    assert (found.status, found.message.startswith("Warm-up complete: m")) == ("complete", True)
    assert model.asked == [REQUEST]


def test_a_silent_model_is_given_up_after_the_limit() -> None:
    end = Event()
    found = warm_up_model("m", Model(wait=end), REQUEST, 0.01)
    end.set()
    assert (found.status, "the suite goes on without" in found.message) == ("timed out", True)


@pytest.mark.parametrize("error", [TransientError("no network")])
def test_a_model_that_cannot_be_reached_is_named(error: Exception) -> None:
    found = warm_up_model("m", Model(error), REQUEST, 10)
    assert (found.status, found.message) == ("failed", "no network")
