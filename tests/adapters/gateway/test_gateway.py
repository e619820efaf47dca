"""What the gateway does with calls: who answers, how often it asks, what it refuses."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from adapters.wire.dialects import DIALECTS
from prompt_lab.errors import TransientError, UnknownName
from tests.adapters.gateway.conftest import KEY, KEY_ENV, SAID, Start, ask, issue, post, route
from tests.adapters.gateway.stand_in import StandIn
from tests.processes import until

pytestmark = pytest.mark.slow  # each test starts a gateway

NOBODY = "http://127.0.0.1:9"


def test_a_token_is_needed_and_ends(start: Start) -> None:
    gateway = start(route(NOBODY))
    token = issue(gateway)
    for dialect in DIALECTS.values():
        answer = post(gateway.url("made-up").anthropic + dialect.path, SAID)
        assert answer.status_code == 404
        assert "no run" in answer.text
        assert answer.headers["x-should-retry"] == "false"
    assert httpx.get(f"{gateway.url(token).openai}/models").json()["data"][0]["id"] == "first"
    assert gateway.end(token) == []
    assert ask(gateway, token).status_code == 404
    with pytest.raises(TransientError, match="no run with this token"):
        gateway.usage(token)


def test_only_the_owner_reads_calls(start: Start) -> None:
    gateway = start(route(NOBODY))
    token = issue(gateway)
    url = gateway.url(token).anthropic.partition("/run/")[0]
    for shown in ({}, {"x-owner": "a guess"}):
        assert post(f"{url}/owner/calls", {"token": token}, **shown).status_code == 404
    assert post(f"{url}/run/{token}/v1/embeddings", SAID).status_code == 404


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_malformed_body_is_refused(start: Start, dialect: object) -> None:
    gateway = start(route(NOBODY))
    token = issue(gateway)
    path, key = dialect.path, dialect.text_key  # type: ignore[attr-defined]
    bodies = [b"", b"{", b"[]", b'"x"', b"{}", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}']
    bodies += [b"[" * 100_000, json.dumps({key: 3}).encode(), json.dumps({key: ["x"]}).encode()]
    bodies += [json.dumps({key: [{"role": "user", "content": [3]}], "tools": {"a": 1}}).encode()]
    for body in bodies[:-1]:
        answer = post(gateway.url(token).anthropic + path, body)
        assert answer.status_code == 400, body
        assert "error" in answer.json()
    assert post(gateway.url(token).anthropic + path, bodies[-1]).status_code in (400, 503)
    odd = {key: [{"role": "user", "content": "x"}], "response_format": 3, "options": 3, "text": 3}
    assert post(gateway.url(token).anthropic + path, odd | {"system": 3}).status_code in (400, 503)


def test_an_unknown_model_is_named_with_those_that_are_known(start: Start) -> None:
    gateway = start(route(NOBODY))
    with pytest.raises(UnknownName, match=r"'frist'.*'first'"):
        issue(gateway, "frist")
    with pytest.raises(UnknownName, match="second"):
        issue(gateway, "first", "second")


def test_places_are_shared_by_all_clients(start: Start) -> None:
    with StandIn(latency=0.05) as server:
        gateway = start(route(server.address, config={"workers": 3}))
        tokens = [issue(gateway, replicate=n) for n in range(12)]
        with ThreadPoolExecutor(12) as threads:
            assert {a.status_code for a in threads.map(lambda t: ask(gateway, t), tokens)} == {200}
        assert server.most_at_once == 3
    assert sum(gateway.usage(token).waited for token in tokens) > 0.1


def test_a_rate_is_kept_to(start: Start) -> None:
    with StandIn() as server:
        gateway = start(route(server.address, per_minute=600))
        token = issue(gateway)
        begun = time.perf_counter()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: ask(gateway, token, str(n)), range(5)))
        assert time.perf_counter() - begun > 0.4


def test_the_least_busy_of_several_addresses_is_taken(start: Start) -> None:
    with StandIn(latency=0.1) as one, StandIn(latency=0.1) as two:
        both = (f"{one.address}/v1", f"{two.address}/v1")
        gateway = start(route(NOBODY, addresses=both, config={"workers": 2}))
        token = issue(gateway)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda n: ask(gateway, token, str(n)), range(4)))
        assert (one.most_at_once, two.most_at_once) == (1, 1)
        assert len(one.seen) == len(two.seen) == 2


def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(start: Start) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "ha"}}]}\n\n'
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            with server.accept()[0] as line:
                line.recv(65536)
                line.sendall(head + 3 * chunk)

        with ThreadPoolExecutor(1) as threads:
            threads.submit(serve)
            gateway = start(route(f"http://127.0.0.1:{server.getsockname()[1]}"))
            token = issue(gateway)
            with pytest.raises(httpx.RemoteProtocolError):
                ask(gateway, token, stream=True)
    (call,) = gateway.calls(token)
    assert "before its last event" in call.error
    assert (call.answered_by, call.counted) == ("", False)


def test_a_client_that_hangs_up_at_the_last_event_has_had_a_whole_answer(
    start: Start, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    choice = b'{"index": 0, "delta": {"content": "ha"}, "finish_reason": "stop"}'
    used = b'"usage": {"prompt_tokens": 3, "completion_tokens": 2}'
    events = b'data: {"choices": [' + choice + b"], " + used + b"}\n\ndata: [DONE]\n\n"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            with server.accept()[0] as line:
                line.recv(65536)
                line.sendall(head + events)
                time.sleep(0.4)  # the end comes late

        with ThreadPoolExecutor(1) as threads:
            threads.submit(serve)
            there = route(f"http://127.0.0.1:{server.getsockname()[1]}")
            gateway = start(there, mode="record", recordings=tmp_path / "kept")
            token = issue(gateway)
            url = f"{gateway.url(token).openai}/chat/completions"
            with httpx.stream("POST", url, json={**SAID, "stream": True}) as answer:
                assert any("[DONE]" in line for line in answer.iter_lines())
    (call,) = gateway.calls(token)
    assert (call.answered_by, call.counted, call.output_tokens) == ("first", True, 2)
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 1


def test_a_client_that_hangs_up_is_recorded_and_frees_its_place(start: Start) -> None:
    with StandIn(latency=4) as server:
        gateway = start(route(server.address, config={"workers": 1}))
        token = issue(gateway)
        url = f"{gateway.url(token).openai}/chat/completions"
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json=SAID, timeout=httpx.Timeout(30, read=1))
        until(lambda: gateway.calls(token))
        assert "hung up" in gateway.calls(token)[0].error
        server.latency = 0
        assert ask(gateway, token).status_code == 200
    assert gateway.usage(token).failed == 1


def test_what_cannot_be_put_otherwise_is_refused_with_what_would_help(start: Start) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "http://x"}}
    body = {"messages": [{"role": "user", "content": [image]}], "max_tokens": 5}
    gateway = start(route(NOBODY, dialects=("chat",)))
    answer = post(f"{gateway.url(issue(gateway)).anthropic}/v1/messages", body)
    assert answer.status_code == 400
    assert "content of type 'image'" in answer.json()["error"]["message"]


def test_what_the_server_speaks_itself_goes_through_whatever_it_holds(start: Start) -> None:
    odd = {"tools": [{"type": "custom", "name": "x"}], "tool_choice": "auto", "new": [{"a": 1}]}
    with StandIn() as server:
        gateway = start(route(server.address, config={"id": "any"}))
        url = f"{gateway.url(issue(gateway)).anthropic}/v1/messages"
        assert post(url, SAID | odd | {"tools": []}).status_code == 200
        assert server.seen[0][2] == SAID | odd | {"tools": []}


def test_keys_of_the_route_go_along_where_the_request_leaves_them_out(start: Start) -> None:
    with StandIn() as server:
        gateway = start(route(server.address, extra={"seed": 1, "temperature": 0.9}))
        ask(gateway, issue(gateway), temperature=0.1)
        assert server.seen[0][2]["seed"] == 1
        assert server.seen[0][2]["temperature"] == 0.1


def test_a_client_that_asks_for_no_tokens_sees_none_but_they_are_counted(start: Start) -> None:
    with StandIn("hello") as server:
        gateway = start(route(server.address))
        token = issue(gateway)
        without = ask(gateway, token, stream=True).text
        with_them = ask(gateway, token, stream=True, stream_options={"include_usage": True}).text
    assert "usage" not in without
    assert '"usage": {"prompt_tokens"' in with_them
    assert without.endswith("data: [DONE]\n\n")
    calls = gateway.calls(token)
    assert [call.output_tokens for call in calls] == [5, 5]
    assert all(call.counted and call.cost > 0 for call in calls)


def test_the_key_of_anthropic_goes_as_it_wants_it(start: Start) -> None:
    with StandIn() as server:
        config = {"provider": "anthropic", "base_url": server.address, "key_env": KEY_ENV}
        gateway = start(route(server.address, dialects=(), config=config))
        base = gateway.url(issue(gateway)).anthropic
        body = {"messages": SAID["messages"], "max_tokens": 5}
        sent = {"anthropic-beta": "one", "x-api-key": "of-no-use", "cookie": "mine"}
        assert post(f"{base}/v1/messages", body, **sent).status_code == 200
        path, headers, _ = server.seen[0]
    assert path == "/v1/messages"
    assert headers["x-api-key"] == KEY
    assert (headers["anthropic-version"], headers["anthropic-beta"]) == ("2023-06-01", "one")
    assert "cookie" not in headers
