"""The contract API over HTTP: the same answers as in process, limits, and who may call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from adapters.registry.http_promptops import HttpPromptOps
from pipeline.web.app import create_app
from pipeline.web.context import WebSettings
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.promptops.contract import open_promptops
from prompt_lab.promptops.records import PromptPrepared
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from tests.pipeline.web.conftest import LOCAL, add_key
from tests.pipeline.web.labs import QUERY
from tests.prompt_lab.promptops.test_contract import BRIEF, IMAGE, make_registry

PREFIX = "/api/v1/promptops"
RECORDED = Path(__file__).with_name("promptops_v1.json")
CONFIG = PromptOpsConfig(prepare_ms=60_000.0)


def make_client(lab: Path, **settings: Any) -> TestClient:
    app = create_app(Lab(lab), WebSettings(promptops=CONFIG, **settings))
    return TestClient(app, LOCAL, follow_redirects=False)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    texts = {"brief": BRIEF, "lookup": QUERY + "Question: {{ query }}"}
    make_registry(tmp_path, texts, brief=("faq", ""), lookup=("query", "question"))
    return tmp_path


@pytest.fixture
def server(lab: Path) -> Iterator[TestClient]:
    with make_client(lab) as made:
        yield made


def open_client(server: TestClient, **options: Any) -> HttpPromptOps:
    return HttpPromptOps(LOCAL, transport=server._transport, budget_ms=60_000.0, **options)


def test_calls_of_v1_are_answered_as_they_were_when_v1_was_recorded(server: TestClient) -> None:
    """API versioned: fields may be added to answers; none is lost, renamed or changed."""
    recorded = json.loads(RECORDED.read_text("utf-8"))
    assert len(recorded) >= 8
    for call in recorded:
        answer = server.post(PREFIX + call["path"], json=call["body"])
        assert answer.status_code == call["status"], call
        found = answer.json()
        for name, value in call["answer"].items():
            if name == "trace":
                assert isinstance(found["trace"], str)
                assert found["trace"]
            else:
                assert found[name] == value, (call, name)


def test_an_answer_of_a_later_server_is_understood() -> None:
    call = next(c for c in json.loads(RECORDED.read_text("utf-8")) if c["path"] == "/prepare")
    later = PromptPrepared.model_validate({**call["answer"], "mood": "cheerful"})
    assert later.applied


@pytest.mark.parametrize(
    "raw",
    [
        "Where is the press?",
        ({"role": "user", "content": [{"type": "text", "text": "Read it."}, IMAGE]},),
        ({"role": "system", "content": "old"}, {"role": "user", "content": "Hi"}),
        ({"role": "tool", "content": "no user"},),
    ],
)
@pytest.mark.parametrize("task_class", ["faq", "query", "unheard"])
def test_the_client_gives_what_the_lab_gives_in_process(
    server: TestClient, lab: Path, raw: Any, task_class: str
) -> None:
    own = open_promptops(lab, config=CONFIG)
    with open_client(server) as client:
        got, expected = client.prepare(task_class, raw), own.prepare(task_class, raw)
        assert got.model_copy(update={"trace": ""}) == expected.model_copy(update={"trace": ""})
        assert got.trace
        assert client.recommend_template(task_class) == own.recommend_template(task_class)
    own.close()


def test_outcomes_reach_the_metrics_of_the_lab(server: TestClient, lab: Path) -> None:
    with open_client(server) as client:
        got = client.prepare("faq", "raw", {"unit": "ann"})
        client.record_outcome(got.trace, success=True, latency_ms=9.5, sources=("a", "b"))
        client.record_outcome("", success=True)
    server.__exit__()
    prepared, outcome = read_rows(lab / "promptops" / "metrics.jsonl")
    assert (prepared["trace"], prepared["applied"]) == (got.trace, True)
    facts = {"success": True, "latency_ms": 9.5, "sources": ["a", "b"]}
    assert outcome == {
        "type": "promptops.model_interaction", "ts": outcome["ts"], "trace": got.trace, **facts
    }  # fmt: skip


def answer_with(status: int, content: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, content=content))


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("transport", "reason"),
    [
        (httpx.MockTransport(refuse), "refused"),
        (answer_with(500, b"<html>"), "500"),
        (answer_with(401, b'{"error": "Reading takes a key"}'), "401 Reading takes a key"),
        (answer_with(200, b"{"), "JSONDecodeError"),
        (answer_with(200, b"[]"), "no object"),
        (answer_with(200, b'{"prompt": 5, "applied": true}'), "prompt"),
    ],
)
def test_whatever_the_server_does_the_raw_prompt_comes_back(
    transport: httpx.MockTransport, reason: str
) -> None:
    with HttpPromptOps("http://lab.test", transport=transport, budget_ms=60_000.0) as client:
        raw = ({"role": "user", "content": [IMAGE]},)
        got = client.prepare("faq", raw)
        assert client.recommend_template("faq") is None
    assert got.prompt is raw
    assert (got.applied, got.strategy) == (False, "raw")
    assert reason in got.reason


def test_a_server_out_of_reach_is_spared_for_a_while() -> None:
    calls, now = [], [0.0]

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        raise httpx.ReadTimeout("timed out", request=request)

    transport = httpx.MockTransport(answer)
    with HttpPromptOps("http://lab.test", transport=transport, clock=lambda: now[0]) as client:
        reasons = {client.prepare("faq", "raw").reason for _ in range(100)}
        assert (len(calls), len(reasons)) == (1, 1)
        now[0] = 2.0
        assert client.prepare("faq", "raw").prompt == "raw"
        assert len(calls) == 2


def test_an_answer_beyond_the_budget_is_not_used(server: TestClient) -> None:
    ticks = iter(range(100))
    with open_client(server, clock=lambda: next(ticks) * 100.0) as client:
        got = client.prepare("faq", "raw")
    assert (got.prompt, got.applied) == ("raw", False)
    assert "budget" in got.reason


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/prepare", {"task_class": "faq"}, 422),
        ("/prepare", {"raw_prompt": "x"}, 422),
        ("/prepare", {"task_class": "faq", "raw_prompt": "x", "context": []}, 422),
        ("/prepare", [], 400),
        ("/outcome", {"outcomes": {}}, 422),
        ("/outcome", {"outcomes": [{"facts": {}}]}, 422),
        ("/outcome", {"outcomes": [{"trace": "t", "facts": 5}]}, 422),
        ("/outcome", {"outcomes": [{"trace": "t"}] * 1001}, 422),
        ("/recommend", {}, 422),
    ],
)
def test_wrong_bodies_are_refused_in_a_sentence(
    server: TestClient, path: str, body: Any, status: int
) -> None:
    answer = server.post(PREFIX + path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_what_a_page_of_another_site_can_send_is_refused(server: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        body = '{"outcomes": [{"trace": "t"}]}'
        answer = server.post(f"{PREFIX}/outcome", content=body, headers={"content-type": kind})
        assert answer.status_code == 415, kind


def test_an_image_larger_than_other_bodies_may_be_passes(server: TestClient) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 300_000}}
    raw = ({"role": "user", "content": [{"type": "text", "text": "Read it."}, image]},)
    with open_client(server) as client:
        got = client.prepare("faq", raw)
    assert got.applied
    assert got.prompt[1] == raw[0]


def test_the_rate_of_writes_does_not_limit_prepare(server: TestClient) -> None:
    body = {"task_class": "faq", "raw_prompt": "x"}
    assert {server.post(f"{PREFIX}/prepare", json=body).status_code for _ in range(60)} == {200}


def test_where_reading_takes_a_key_so_does_the_contract(lab: Path) -> None:
    with make_client(lab, open_reading=False) as server:
        key = add_key(server, "shop", "reader")
        for path in ("/prepare", "/outcome", "/recommend"):
            assert server.post(PREFIX + path, json={}).status_code == 401
        with open_client(server, key=key) as client:
            assert client.prepare("faq", "raw").applied
        with open_client(server, key="plk_0_wrong") as client:
            assert "401" in client.prepare("faq", "raw").reason
