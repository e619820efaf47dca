"""Who is asked again, how soon, and who answers instead."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.adapters.gateway.conftest import Start, ask, issue, route
from tests.adapters.gateway.stand_in import Fault, StandIn
from tests.processes import until

pytestmark = pytest.mark.slow  # each test starts a gateway
NOBODY = "http://127.0.0.1:9"


def test_patience_is_given_as_it_is_asked_for(start: Start) -> None:
    faults = [Fault(429, {"Retry-After": "0.4"}), Fault(503)]
    with StandIn(faults=faults) as server:
        gateway = start(route(server.address))
        token = issue(gateway)
        begun = time.perf_counter()
        assert ask(gateway, token).status_code == 200
        assert time.perf_counter() - begun > 0.4
    (call,) = gateway.calls(token)
    assert [(a.status, a.pause) for a in call.attempts] == [(429, 0.4), (503, 0.02), (200, 0.0)]
    assert call.retries == 2
    assert gateway.usage(token).retries == 2


def test_a_waiting_call_gives_its_place_free(start: Start) -> None:
    faults = [Fault(429, {"Retry-After": "3"})]
    with StandIn(faults=faults) as server:
        patience = {"longest_pause": 9}
        gateway = start(route(server.address, config={"workers": 1}, patience=patience))
        token = issue(gateway)
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(ask, gateway, token, "first")
            until(lambda: server.seen)
            assert ask(gateway, token, "second").status_code == 200
            assert not first.done()
            assert first.result().status_code == 200


@pytest.mark.parametrize(
    ("faults", "asked"),
    [([], 1), ([Fault(500)] * 3, 3), ([Fault(429)] * 3, 3), ([Fault(401)], 1), ([Fault(404)], 1)],
    ids=["refused", "500", "429", "401", "404"],
)
def test_a_fallback_answers_where_the_first_is_dead(
    start: Start, faults: list[Fault], asked: int
) -> None:
    with StandIn(faults=faults) as dead, StandIn("from the second") as server:
        gone = NOBODY if not faults else dead.address
        gateway = start(route(gone), route(server.address, "second"))
        token = issue(gateway, "first", "second")
        answer = ask(gateway, token)
        assert answer.json()["choices"][0]["message"]["content"] == "from the second"
        assert answer.headers["x-answered-by"] == "second"
        assert len(dead.seen) == (asked if faults else 0)
    (call,) = gateway.calls(token)
    assert [a.model for a in call.attempts] == ["first"] * asked + ["second"]
    assert call.attempts[0].problem or faults[0].status in (401, 404)
    assert (call.answered_by, call.model_id) == ("second", "it-was-me")
    usage = gateway.usage(token)
    assert (usage.answered_by, usage.failed) == ({"second": 1}, 0)


@pytest.mark.parametrize(
    ("wait", "told"),
    [("3600", "3,600"), ("inf", "inf"), ("Wed, 21 Oct 2065 07:28:00 GMT", "a wait of 1,2")],
)
def test_a_wait_beyond_patience_is_not_waited_for(start: Start, wait: str, told: str) -> None:
    with StandIn(faults=[Fault(429, {"Retry-After": wait})] * 9) as busy, StandIn("yes") as server:
        gateway = start(route(busy.address), route(server.address, "second"))
        begun = time.perf_counter()
        answer = ask(gateway, issue(gateway, "first", "second"))
        assert answer.json()["choices"][0]["message"]["content"] == "yes"
        alone = ask(gateway, issue(gateway))
        assert time.perf_counter() - begun < 50
        assert len(busy.seen) == 2
    assert alone.status_code == 503
    assert told in alone.text
    assert "HTTP 429" in alone.text


def test_all_dead_is_said_with_every_reason(start: Start) -> None:
    with StandIn(faults=[Fault(500)] * 9) as server:
        lacking = route(NOBODY, "second", config={"key_env": "NOT_THERE"})
        gateway = start(route(server.address), lacking)
        token = issue(gateway, "first", "second")
        answer = ask(gateway, token)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "false")
    message = answer.json()["error"]["message"]
    assert "first did not answer in 3 attempts: HTTP 500" in message
    assert "NOT_THERE" in message
    (call,) = gateway.calls(token)
    assert (call.answered_by, call.status, call.error) == ("", 503, message)
    assert gateway.usage(token).failed == 1


def test_what_a_model_refuses_is_its_answer(start: Start) -> None:
    body = '{"error": {"message": "the prompt is too long"}}'
    with StandIn(faults=[Fault(400, {}, body)]) as server, StandIn() as other:
        gateway = start(route(server.address), route(other.address, "second"))
        token = issue(gateway, "first", "second")
        answer = ask(gateway, token)
        assert (answer.status_code, answer.text) == (400, body)
        assert (len(server.seen), other.seen) == (1, [])
    assert gateway.calls(token)[0].answered_by == "first"


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"error": {"message": "x"}}'])
def test_a_body_that_is_no_answer_is_asked_for_again(start: Start, body: str) -> None:
    with StandIn("at last", faults=[Fault(200, {}, body)]) as server:
        gateway = start(route(server.address))
        token = issue(gateway)
        assert ask(gateway, token).json()["choices"][0]["message"]["content"] == "at last"
    assert "not an answer" in gateway.calls(token)[0].attempts[0].problem


def test_silence_is_borne_twice(start: Start) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        gateway = start(route(address, config={"timeout_seconds": 0.1}))
        answer = ask(gateway, issue(gateway))
    assert "2 attempts: no answer in time" in answer.text
