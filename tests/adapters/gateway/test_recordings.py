"""Recordings: what is found again, and what is said where nothing is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.gateway.keyed import write_answers
from adapters.gateway.owner import Gateway
from adapters.gateway.settings import RecordingsAt
from prompt_lab.errors import StoreError
from prompt_lab.names import Side
from tests.adapters.gateway.clients import LLAMA_INDEX, VENDORS
from tests.adapters.gateway.conftest import SAID, Start, ask, issue, post, route
from tests.adapters.gateway.forked import ForkedGateway
from tests.adapters.gateway.stand_in import StandIn

NOBODY = "http://127.0.0.1:9"
LABEL = "replay of recorded answers"
pytestmark = pytest.mark.slow  # each test starts a gateway


def test_an_unknown_call_fails_and_names_the_hash(start: Start, tmp_path: Path) -> None:
    gateway = start(route(NOBODY), mode="replay", recordings=tmp_path)
    token = issue(gateway)
    answer = ask(gateway, token)
    (call,) = gateway.calls(token)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (422, "false")
    assert f"no recording of request {call.key} to 'first'" in answer.json()["error"]["message"]
    assert call.answered_by == ""


def test_replicates_of_the_same_request_are_told_apart(start: Start, tmp_path: Path) -> None:
    runs: list[dict[str, Any]] = [
        {"replicate": 0},
        {"replicate": 1},
        {"replicate": 0, "side": Side.CANDIDATE},
    ]
    with StandIn("one", "two", "three", "four", "never") as server:
        gateway = start(route(server.address), mode="record", recordings=tmp_path / "kept")
        for run in runs:
            ask(gateway, issue(gateway, **run))
        ask(gateway, token := issue(gateway, plan="twice"))
        server.texts = ["five"]
        ask(gateway, token)
    gateway = start(route(NOBODY), mode="replay", recordings=tmp_path / "kept")

    def said(token: str) -> str:
        return str(ask(gateway, token).json()["choices"][0]["message"]["content"])

    assert [said(issue(gateway, **run)) for run in reversed(runs)] == ["three", "two", "one"]
    twice = issue(gateway, plan="twice")
    assert [said(twice), said(twice)] == ["four", "five"]
    new = issue(gateway, plan="a new one")
    assert said(new) in ("one", "two", "three", "four", "five")


def test_who_answered_is_found_again_where_the_first_was_dead(start: Start, tmp_path: Path) -> None:
    with StandIn() as server:
        routes = (route(NOBODY), route(server.address, "second"))
        gateway = start(*routes, mode="record", recordings=tmp_path / "kept")
        live = ask(gateway, issue(gateway, "first", "second"))
    gateway = start(
        route(NOBODY), route(NOBODY, "second"), mode="replay", recordings=tmp_path / "kept"
    )
    token = issue(gateway, "first", "second")
    assert ask(gateway, token).content == live.content
    assert gateway.calls(token)[0].answered_by == "second"
    assert gateway.calls(token)[0].attempts == []


def test_a_damaged_recording_is_named(start: Start, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with StandIn() as server:
        gateway = start(route(server.address), mode="record", recordings=kept)
        ask(gateway, issue(gateway))
    (path,) = kept.rglob("*.json")
    whole = path.read_text("utf-8")
    gateway = start(route(NOBODY), mode="replay", recordings=kept)
    for broken in (whole[:-9], whole.replace("Pay 12.50", "Pay 99.50"), "[]", "{}"):
        path.write_text(broken, "utf-8")
        answer = ask(gateway, issue(gateway))
        assert answer.status_code == 500
        assert str(path) in answer.json()["error"]["message"]
    path.write_text(whole, "utf-8")
    assert ask(gateway, issue(gateway)).status_code == 200


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """It only reads, and counts the calls of each token apart: one serves all tests."""
    answers = [{"text": '{"amount":12.5}', "input_tokens": 7, "output_tokens": 3}, None]
    run, folder = (Side.BASELINE, "first", "bakery"), tmp_path_factory.mktemp("kept")
    write_answers(folder, run, [*answers, {"text": "third"}], source="a test")
    with ForkedGateway([route(NOBODY)], "replay", RecordingsAt(path=folder, by="call")) as gateway:
        yield gateway


def test_answers_are_found_by_the_number_of_the_call(keyed: Gateway) -> None:
    token = issue(keyed)
    first, second, third, fourth = (ask(keyed, token, text) for text in "abcd")
    assert first.json()["choices"][0]["message"]["content"] == '{"amount":12.5}'
    assert (second.status_code, fourth.status_code) == (422, 422)
    assert "call 1" in second.json()["error"]["message"]
    assert third.json()["choices"][0]["message"]["content"] == "third"
    calls = keyed.calls(token)
    assert {call.origin for call in calls} == {LABEL}
    assert [call.counted for call in calls] == [True, False, False, False]
    usage = keyed.usage(token)
    assert (usage.input_tokens, usage.failed, usage.origins) == (7, 2, (LABEL,))
    assert first.headers["x-origin"] == LABEL
    assert ask(keyed, issue(keyed, side=Side.CANDIDATE)).status_code == 422


@pytest.mark.parametrize("what", ["plain", "structured", "streaming"])
@pytest.mark.parametrize("kind", ["sdk", "llama"])
@pytest.mark.parametrize("name", VENDORS)
def test_every_client_understands_a_keyed_answer(
    keyed: Gateway, kind: str, name: str, what: str
) -> None:
    client = (VENDORS if kind == "sdk" else LLAMA_INDEX).get(name)
    if client is not None:
        answers = {client(keyed.url(issue(keyed)), what) for _ in range(2)}
        assert answers == {'{"amount":12.5}'}


def test_keyed_answers_are_equal_byte_for_byte(keyed: Gateway) -> None:
    for body in (SAID, {**SAID, "stream": True}):
        urls = [keyed.url(issue(keyed)).openai for _ in range(2)]
        one, two = (post(f"{url}/chat/completions", body).content for url in urls)
        assert one == two


def test_keyed_answers_are_recorded_by_number(start: Start, tmp_path: Path) -> None:
    kept = RecordingsAt(path=tmp_path / "kept", by="call")
    with StandIn("one", "two") as server:
        gateway = start(route(server.address), mode="record", recordings=kept)
        token = issue(gateway)
        ask(gateway, token, "a")
        ask(gateway, token, "b", stream=True)
    gateway = start(route(NOBODY), mode="replay", recordings=kept)
    token = issue(gateway)
    texts = [ask(gateway, token, text).json()["choices"][0]["message"]["content"] for text in "xy"]
    assert texts == ["one", "two"]
    (path,) = (tmp_path / "kept").rglob("*.json")
    assert json.loads(path.read_text("utf-8"))["label"] == LABEL


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b"])
def test_a_plan_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="rename"):
        write_answers(tmp_path, (Side.BASELINE, "first", name), [], source="")
