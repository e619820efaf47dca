"""The review pages and /api/admin: a key is checked first, and markup in a trace stays inert."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipeline.web.app import create_app
from pipeline.web.context import WebSettings
from pipeline.web.production import AnswerResult, ProductionDoor, WebAnswer
from prompt_lab.reviews import FindingEvidence, Goal, Item, ItemType, ReviewSession
from prompt_lab.store.layout import Lab
from prompt_lab.traces import Trace
from tests.memory_stores import MemoryReviews, MemoryTraces
from tests.pipeline.web.conftest import LOCAL
from tests.pipeline.web.labs import HOSTILE, ID, make_lab, write_text
from tests.prompt_lab.report.reading import Page

KEY = "a key of the web API"
TRACE = Trace(
    trace_id=HOSTILE,
    created_at="2026-02-26T09:00:00.000Z",
    user_message=HOSTILE,
    final_message=HOSTILE,
    channel=HOSTILE,
)
ITEM = Item(
    id=1,
    detector="tool_failures",
    key=HOSTILE,
    goal=Goal.ACCURACY,
    type=ItemType.PROMPT_CHANGE,
    title=HOSTILE,
    prompt_key=ID,
    prompt_text=write_text("third"),
    evidence=FindingEvidence(counts={HOSTILE: 2}, trace_ids=(HOSTILE,), rate=0.4),
)
SESSION = ReviewSession(
    id="s1", created_at="2026-02-26T10:00:00.000Z", window_hours=24, trace_count=1, items=(ITEM,)
)


class RecordedAnswers:
    """Takes answers down, and refuses what was not shown."""

    def __init__(self) -> None:
        self.answers: list[WebAnswer] = []

    def __call__(self, answer: WebAnswer) -> AnswerResult:
        self.answers.append(answer)
        return AnswerResult("done", is_refused=answer.shown_sha256 != SESSION.content_sha256)


@pytest.fixture
def answers() -> RecordedAnswers:
    return RecordedAnswers()


@pytest.fixture
def reviewed(tmp_path: Path, answers: RecordedAnswers) -> Iterator[TestClient]:
    make_lab(tmp_path / "lab")
    door = ProductionDoor(MemoryTraces([TRACE]), MemoryReviews([SESSION]), answers)
    app = create_app(Lab(tmp_path / "lab"), WebSettings(api_key=KEY), door)
    with TestClient(app, LOCAL, follow_redirects=False) as made:
        yield made


def test_markup_in_a_review_and_its_trace_stays_inert(reviewed: TestClient) -> None:
    for path, params in (("/reviews", {}), ("/reviews/s1", {}), ("/traces", {"id": HOSTILE})):
        answer = reviewed.get(path, params=params)
        assert answer.status_code == 200, path
        assert HOSTILE not in answer.text, path
        assert not Page(answer.text).find("img"), path


def test_a_wrong_key_gets_one_answer_whatever_it_asks_for(reviewed: TestClient) -> None:
    asked = [
        reviewed.get(f"/api/admin/sessions/{name}", headers={"X-API-Key": "wrong"})
        for name in ("s1", "none")
    ]
    asked.append(reviewed.post("/api/admin/optimize", headers={"X-API-Key": "wrong"}, content="{"))
    assert {(one.status_code, one.text) for one in asked} == {(401, asked[0].text)}


def test_a_reply_carries_what_was_shown_and_a_stale_one_is_refused(
    reviewed: TestClient, answers: RecordedAnswers
) -> None:
    path, headers = "/api/admin/sessions/s1/replies", {"X-API-Key": KEY}
    body = {"text": "deploy 1", "content_sha256": SESSION.content_sha256}
    assert reviewed.post(path, json=body, headers=headers).status_code == 200
    stale = reviewed.post(path, json={**body, "content_sha256": "0" * 64}, headers=headers)
    assert stale.status_code == 409
    assert [one.actor.kind.value for one in answers.answers] == ["worker", "worker"]


def test_traces_without_an_id_say_what_is_missing(reviewed: TestClient) -> None:
    answer = reviewed.get("/traces", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "Name a trace" in answer.text
