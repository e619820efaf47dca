"""Places for calls at the same time, and what is made once for each process."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.llm.base import BaseLlm, hide_key
from adapters.wire.per_process import PerProcess
from adapters.wire.retry import RetryableError
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import TransientError
from prompt_lab.ports import Answer, Request


class Counting(BaseLlm):
    """Remembers how many calls were under way at once; each waits for a second one in vain."""

    def __init__(self, workers: int) -> None:
        super().__init__(
            ModelConfig(alias="m", provider="scripted", id="m", deterministic=True, workers=workers)
        )
        self.now = self.most = 0
        self.lock = threading.Lock()

    def _call(self, request: Request) -> Answer:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        threading.Event().wait(0.005)
        with self.lock:
            self.now -= 1
        return Answer("x", 0, 0, 0.0)


def test_no_more_calls_at_once_than_workers_and_waiting_is_counted() -> None:
    model = Counting(workers=3)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(model.ask, [Request("s", "u")] * 24))
    assert model.most == 3
    assert max(a.waited for a in answers) > 0.005


class Lying(Counting):
    """Its server reports impossible numbers of tokens."""

    def _call(self, request: Request) -> Answer:
        return Answer("x", -700, 7, 0.0)


def test_tokens_that_cannot_be_cost_nothing_and_are_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = Lying(workers=1)
    for _ in range(2):
        answer = model.ask(Request("s", "u"))
        assert (answer.input_tokens, answer.output_tokens) == (0, 7)
    assert [record.getMessage()[:52] for record in caplog.records] == [
        "m: its server reports -700 input and 7 output tokens"
    ]


def test_a_key_of_few_letters_does_not_hide_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "no")
    config = Counting(1).config.model_copy(update={"key_env": "SHOP_KEY"})
    assert hide_key("no such model, none known", config) == "no such model, none known"
    monkeypatch.setenv("SHOP_KEY", "nowhere")
    assert hide_key("it is nowhere", config) == "it is [key]"


def test_a_value_is_made_once_by_many_threads() -> None:
    made: list[int] = []
    value = PerProcess(lambda: made.append(1) or len(made))  # type: ignore[func-returns-value]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: value.get(), range(100))) == {1}
    assert value.take() == 1
    assert value.take() is None
    assert value.get() == 2


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    turns = iter([ValueError("first"), None])

    def make() -> str:
        if fault := next(turns):
            raise fault
        return "made"

    value = PerProcess(make)
    with pytest.raises(ValueError, match="first"):
        value.get()
    assert value.get() == "made"


def test_a_fork_makes_its_own_even_while_the_parent_makes_one() -> None:
    value = PerProcess(os.getpid)
    assert value.get() == os.getpid()
    held = PerProcess(lambda: _fork_exit_code(value))
    assert held.get() == 0


def _fork_exit_code(value: PerProcess[int]) -> int:
    child = os.fork()
    if child == 0:
        os._exit(0 if value.get() == os.getpid() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Busy(BaseLlm):
    """Never has time; counts how often it was asked."""

    asked = 0

    def _call(self, request: Request) -> Answer:
        self.asked += 1
        raise RetryableError("busy")


@pytest.mark.parametrize("retries", [0, 2, 4])
def test_a_failed_call_is_made_again_as_often_as_its_config_says(retries: int) -> None:
    config = ModelConfig(alias="m", provider="scripted", id="m", deterministic=True)
    pauses: list[float] = []
    model = Busy(config.model_copy(update={"retries": retries}), pause=pauses.append)
    with pytest.raises(TransientError, match=f"in {retries + 1} attempt"):
        model.ask(Request("s", "u"))
    assert (model.asked, len(pauses)) == (retries + 1, retries)
