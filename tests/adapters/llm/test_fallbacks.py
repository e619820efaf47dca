"""The next model is asked where one fails, and the answer says whose it is."""

from typing import Any

import pytest

from adapters.llm.scripted import GARBAGE, Scripted
from adapters.llm.wire import WireLlm
from prompt_lab.config.models import CallSettings, ModelConfig
from prompt_lab.errors import CallRefused, LabError, ModelUnavailable, TransientError
from prompt_lab.experiments.fallbacks import Fallbacks
from prompt_lab.ports import Request
from tests.adapters.llm.faulty_server import FaultyServer, respond
from tests.adapters.llm.formats import CHAT
from tests.adapters.llm.vendors import KEY_ENV, VENDORS

ASKED = Request("s", "u")


def model(alias: str, *, key_env: str = "", **script: Any) -> Scripted:
    config = ModelConfig(
        alias=alias,
        provider="scripted",
        id=f"id of {alias}",
        settings=CallSettings(extra=script),
        deterministic=True,
        key_env=key_env,
    )
    return Scripted(config, pause=lambda _: None)


def together(*models: Scripted) -> Fallbacks:
    return Fallbacks({each.config.alias: each for each in models})


def test_the_first_answers_as_long_as_it_can() -> None:
    answer = together(model("a", otherwise="of a"), model("b", otherwise="of b")).ask(ASKED)
    assert (answer.text, answer.alias, answer.retries) == ("of a", "a", 0)


@pytest.mark.parametrize("fail", ["outside", "refused", "never"])
def test_the_next_answers_where_one_cannot_be_had(fail: str) -> None:
    dead, alive = model("a", fail=fail, fail_times=2), model("b", otherwise="of b")
    both = together(dead, alive)
    answer = both.ask(ASKED)
    assert (answer.text, answer.alias, answer.answered_by) == ("of b", "b", "id of b")
    assert answer.retries == (2 if fail == "never" else 1)  # each attempt on the first counts


def test_each_call_begins_with_the_first_anew() -> None:
    both = together(model("a", fail="outside", fail_times=1, otherwise="of a"), model("b"))
    assert [both.ask(ASKED).alias for _ in range(2)] == ["b", "a"]


def test_a_bad_answer_is_an_answer() -> None:
    assert together(model("a", fail="garbage"), model("b")).ask(ASKED).text == GARBAGE


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        (("outside", "outside"), TransientError),
        (("refused", "refused"), CallRefused),
        (("refused", "outside"), TransientError),
    ],
)
def test_where_all_fail_all_are_named(fails: tuple[str, str], kind: type[LabError]) -> None:
    with pytest.raises(kind) as caught:
        together(model("a", fail=fails[0]), model("b", fail=fails[1])).ask(ASKED)
    assert type(caught.value) is kind
    assert "a: " in str(caught.value)
    assert "b: " in str(caught.value)


def test_one_usable_model_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    keyless = model("a", key_env="NO_SUCH_KEY")
    assert together(keyless, model("b")).check() is None
    assert "NO_SUCH_KEY" in (together(keyless).check() or "")


def test_a_missing_key_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV, raising=False)
    vendor = next(each for each in VENDORS if each.provider == "openai_like")
    keyless = WireLlm(vendor.config("http://127.0.0.1:9"))
    with pytest.raises(ModelUnavailable, match=KEY_ENV):
        keyless.ask(ASKED)
    assert Fallbacks({"a": keyless, "b": model("b", otherwise="x")}).ask(ASKED).alias == "b"


def test_every_attempt_on_a_dead_model_counts() -> None:
    """As many retries as the dead model was tried, by what its own error says."""
    with FaultyServer(respond(500, "overloaded")) as server:
        config = CHAT.config(server.address, alias="dead")
        dead = WireLlm(config, pause=lambda _: None)
        both = Fallbacks({"dead": dead, "b": model("b", otherwise="of b")})
        answer = both.ask(ASKED)
        assert (answer.alias, answer.retries) == ("b", len(server.requests))
        assert answer.retries == 5
