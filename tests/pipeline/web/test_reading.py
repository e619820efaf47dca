"""Prompts over HTTP: by id and label, ETag and 304, OFREP, and who may read."""

import pytest
from fastapi.testclient import TestClient

from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.conftest import add_key, context_of
from tests.pipeline.web.labs import HOSTILE, ID, QUERY, why, write_text
from tests.processes import until

PATH = f"/api/v1/prompts/{ID}"


def test_an_answer_holds_text_version_and_snapshot(
    client: TestClient, registry: PromptRegistry
) -> None:
    snapshot, _ = registry.read_current()
    answer = client.get(PATH)
    text = write_text(HOSTILE)
    assert answer.json() == {
        "id": ID,
        "text": text,
        "version": digest_text(text),
        "snapshot": snapshot,
        "stale_since": "",
        "label": "production",
    }
    assert answer.headers["prompt-lab-snapshot"] == snapshot
    listed = client.get("/api/v1/prompts").json()["prompts"]
    assert [row["id"] for row in listed] == [ID, "query"]


def test_a_reader_that_has_it_gets_304_until_it_changes(
    client: TestClient, registry: PromptRegistry
) -> None:
    etag = client.get(PATH).headers["etag"]
    same = client.get(PATH, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["prompt-lab-snapshot"] == registry.read_current()[0]
    first = registry.files.read_journal()[0].to_snapshot
    registry.roll_back(first, why("back", 5))
    until(lambda: client.get(PATH, headers={"If-None-Match": etag}).status_code == 200, 10)
    assert client.get(PATH).json()["text"] == write_text("first")


@pytest.mark.parametrize("path", ["/api/v1/prompts/none", f"{PATH}?label=none"])
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Unknown" in answer.json()["error"]


def test_a_registry_that_is_down_is_said_in_the_answer(
    client: TestClient, registry: PromptRegistry
) -> None:
    etag = client.get(PATH).headers["etag"]
    away = registry.files.root.with_name("away")
    registry.files.root.rename(away)
    until(lambda: client.get(PATH).json()["stale_since"], 10)
    answer = client.get(PATH, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["text"]) == (200, write_text(HOSTILE))
    assert answer.headers["prompt-lab-stale-since"] == answer.json()["stale_since"]
    away.rename(registry.files.root)
    until(lambda: not client.get(PATH).json()["stale_since"], 10)


def test_ofrep_evaluates_a_prompt_as_a_flag(client: TestClient, registry: PromptRegistry) -> None:
    body = {"context": {"targetingKey": "user-1"}}
    answer = client.post("/ofrep/v1/evaluate/flags/query", json=body)
    assert answer.status_code == 200
    assert answer.json() == {
        "key": "query",
        "value": QUERY,
        "reason": "STATIC",
        "variant": digest_text(QUERY),
        "metadata": {"snapshot": registry.read_current()[0], "label": "production"},
    }
    missing = client.post("/ofrep/v1/evaluate/flags/none", json=body)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
    for wrong in (b"[]", b"{", b'{"context": 3}', b'{"context": {"label": 3}}'):
        answer = client.post("/ofrep/v1/evaluate/flags/query", content=wrong)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")


def test_reading_takes_a_key_where_it_is_not_open(closed_client: TestClient) -> None:
    key = add_key(closed_client, "shop", "reader")
    for path in (PATH, "/prompts", "/history", "/lab/index.html", "/api/v1/events"):
        assert closed_client.get(path).status_code == 401, path
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert closed_client.get(PATH, headers=headers).status_code == 200
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert closed_client.get(PATH, headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    (entry,) = context_of(closed_client).keys.list_keys()
    context_of(closed_client).keys.remove(entry.id)
    assert closed_client.get(PATH, headers={"X-API-Key": key}).status_code == 401


def test_a_key_is_kept_as_a_hash(closed_client: TestClient) -> None:
    key = add_key(closed_client)
    path = context_of(closed_client).keys.path
    assert key.split("_", 2)[2] not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
