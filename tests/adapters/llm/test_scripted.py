"""The fake is deterministic, and fails the way that its script says."""

import json
from typing import Any

import pytest

from adapters.llm.scripted import GARBAGE, Scripted
from prompt_lab.config.models import CallSettings, ModelConfig
from prompt_lab.errors import CallRefused, ConfigError, TransientError
from prompt_lab.ports import Request

NUMBERS = r"(\d+\.\d\d) EUR"


def scripted(pauses: list[float] | None = None, **extra: Any) -> Scripted:
    config = ModelConfig(
        alias="m",
        provider="scripted",
        id="script",
        settings=CallSettings(extra=extra),
        deterministic=True,
        timeout_seconds=9,
    )
    return Scripted(config, pause=(pauses if pauses is not None else []).append)


def test_an_answer_is_found_in_the_text_and_the_prompt_decides_which() -> None:
    answer = {"answer_regex": NUMBERS}
    model = scripted(
        rules=[
            {"when": "what has to be paid", "answer": '{"amount": {1}}', **answer},
            {"answer": '{"amount": {0}}', **answer},
        ]
    )
    user = "Net 10.00 EUR, in all 11.90 EUR."
    assert json.loads(model.ask(Request("Extract.", user)).text) == {"amount": 10.0}
    better = model.ask(Request("Extract what has to be paid.", user))
    assert json.loads(better.text) == {"amount": 11.9}
    assert (better.answered_by, better.finish_reason) == ("script", "stop")
    assert (better.input_tokens, better.output_tokens) == (13, 2)


def test_a_match_that_is_not_there_leaves_its_place_empty() -> None:
    model = scripted(rules=[{"answer": "<{0}|{7}> {x}", "answer_regex": NUMBERS}])
    assert model.ask(Request("s", "nothing")).text == "<|> {x}"


def test_the_first_rule_that_fits_answers_and_a_list_wants_all() -> None:
    rules = [{"when": ["red", "blue"], "answer": "both"}, {"when": "red", "answer": "one"}]
    model = scripted(rules=rules, otherwise="none")
    asked = [("red", "blue"), ("red", ""), ("", "blue")]
    assert [model.ask(Request(s, u)).text for s, u in asked] == ["both", "one", "none"]


def test_noise_is_a_share_of_user_texts_and_stays_the_same() -> None:
    model = scripted(rules=[{"answer": "right"}], otherwise="?", wrong="wrong", noise=0.3)
    users = [f"invoice {i}" for i in range(400)]
    first = [model.ask(Request("s", u, seed=1)).text for u in users]
    again = [model.ask(Request("another", u, seed=1)).text for u in reversed(users)][::-1]
    assert first == again
    assert 90 < first.count("wrong") < 150
    assert first != [model.ask(Request("s", u, seed=2)).text for u in users]


def test_it_takes_its_time() -> None:
    pauses: list[float] = []
    assert scripted(pauses, latency_seconds=0.25).ask(Request("s", "u")).seconds == 0.25
    assert pauses == [0.25]


@pytest.mark.parametrize(("fail", "text"), [("garbage", GARBAGE), ("nothing", "")])
def test_bad_answers_end_after_so_many(fail: str, text: str) -> None:
    model = scripted(fail=fail, fail_times=2, otherwise="fine")
    answers = [model.ask(Request("s", "u")).text for _ in range(3)]
    assert answers == [text, text, "fine"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_only_some_requests_fail() -> None:
    model = scripted(fail="outside", fail_when="plan-7", otherwise="fine")
    assert model.ask(Request("s", "plan-6")).text == "fine"
    with pytest.raises(TransientError):
        model.ask(Request("s", "plan-7"))


def test_a_refusal_is_a_refusal() -> None:
    with pytest.raises(CallRefused):
        scripted(fail="refused").ask(Request("s", "u"))


def test_never_is_a_call_that_runs_into_its_limit_each_time() -> None:
    pauses: list[float] = []
    with pytest.raises(TransientError, match="in time"):
        scripted(pauses, fail="never").ask(Request("s", "u"))
    assert pauses == [9, 0.5, 9]
    assert scripted(fail="never", fail_times=1).ask(Request("s", "u")).retries == 1


def test_every_fault_of_a_script_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        scripted(rules=[{"answer": "x", "answer_regex": "("}], noise=2, fial="never")
    text = str(caught.value)
    assert "rules.0.answer_regex: is not a regular expression" in text
    assert "noise" in text
    assert "fial" in text
