"""Answers over the web on a real lab: what deploys needs a verdict or a person who forces it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from pipeline.web.app import create_app
from pipeline.web.context import WebSettings
from pipeline.web.production_door import open_production_door
from pipeline.wiring import cached_context
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_verdicts import open_registry
from tests.pipeline.web.conftest import LOCAL, context_of, log_in
from tests.pipeline.web.labs import HOSTILE, ID
from tests.pipeline.web.review_labs import TESTED, UNTESTED, make_review_lab, read_status

KEY = "a key of the web API"
HEADERS = {"X-API-Key": KEY}
ROUTES = (
    ("GET", "/api/admin/sessions"),
    ("GET", "/api/admin/sessions/x"),
    ("GET", "/api/admin/tasks"),
    ("GET", "/api/admin/tasks/x"),
    ("GET", "/api/admin/agent-config"),
    ("PATCH", "/api/admin/agent-config"),
    ("POST", "/api/admin/feedback"),
    ("POST", "/api/admin/optimize"),
    ("POST", "/api/admin/sessions/x/replies"),
)


@pytest.fixture
def session(tmp_path: Path) -> ReviewSession:
    return make_review_lab(tmp_path / "lab")


@pytest.fixture
def client(tmp_path: Path, session: ReviewSession) -> Iterator[TestClient]:
    context = cached_context(str(tmp_path / "lab"), None, tmp_path, has_project=False)
    settings_ = WebSettings(
        api_key=KEY, webhook_secret="a secret of the webhook", hosts=frozenset({"*"})
    )
    app = create_app(Lab(tmp_path / "lab"), settings_, open_production_door(context))
    with TestClient(app, LOCAL, follow_redirects=False) as made:
        yield made


def reply(client: TestClient, session: ReviewSession, text: str, **more: str) -> tuple[int, str]:
    body = {"text": text, "content_sha256": session.content_sha256, **more}
    answer = client.post(f"/api/admin/sessions/{session.id}/replies", json=body, headers=HEADERS)
    said = answer.json()
    return answer.status_code, said.get("answer") or said["error"]


def current(tmp_path: Path) -> str:
    return open_registry(Lab(tmp_path / "lab")).read_text(ID)


def test_deploy_all_deploys_what_has_a_verdict_and_nothing_else(
    client: TestClient, session: ReviewSession, tmp_path: Path
) -> None:
    status, said = reply(client, session, "deploy all")
    assert status == 200, said
    assert current(tmp_path) == TESTED
    row = open_registry(Lab(tmp_path / "lab")).files.read_journal()[-1]
    assert (row.kind, row.verdicts) == (PromotionKind.PROMOTE, {ID: "5_triage"})
    assert read_status(tmp_path / "lab", session) is SessionStatus.DEPLOYED
    assert reply(client, session, "deploy all")[0] == 409


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("deploy 2", {}),
        ("deploy 2 untested", {"reason": "it is urgent"}),
        ("deploy 2 untested", {"by": "ann"}),
        ("deploy 3", {}),
        ("deploy 4", {}),
        ("deploy 9", {}),
        ("please be so kind", {}),
    ],
)
def test_what_has_no_verdict_is_deployed_by_no_words_of_a_program(
    client: TestClient, session: ReviewSession, tmp_path: Path, text: str, more: dict[str, str]
) -> None:
    before = current(tmp_path)
    assert reply(client, session, text, **more)[0] == 409
    assert current(tmp_path) == before


def test_an_answer_to_what_was_not_shown_is_refused(
    client: TestClient, session: ReviewSession, tmp_path: Path
) -> None:
    before = current(tmp_path)
    stale = session.model_copy(update={"items": session.items[:1]})
    status, said = reply(client, stale, "deploy all")
    assert status == 409
    assert "changed" in said or "shown" in said
    assert current(tmp_path) == before


def test_a_person_forces_with_a_reason_which_is_recorded(
    client: TestClient, session: ReviewSession, tmp_path: Path
) -> None:
    token = log_in(client)
    form = {"csrf": token, "shown": session.content_sha256, "words": "deploy 2 untested"}
    path = f"/reviews/{session.id}/answer"
    assert client.post(path, data=form).status_code == 303
    assert current(tmp_path) != UNTESTED
    client.post(path, data={**form, "reason": "customers wait"})
    assert current(tmp_path) == UNTESTED
    row = open_registry(Lab(tmp_path / "lab")).files.read_journal()[-1]
    assert (row.kind, row.actor.name) == (PromotionKind.FORCE, "ann")
    assert "customers wait" in row.reason


def test_a_setting_is_applied_by_a_persons_click_and_the_file_says_so(
    client: TestClient, session: ReviewSession, tmp_path: Path
) -> None:
    token = log_in(client)
    form = {"csrf": token, "shown": session.content_sha256, "item": "3"}
    assert client.post(f"/reviews/{session.id}/settings", data=form).status_code == 303
    assert open_stores(Lab(tmp_path / "lab")).reviews.read_config() == {"model": '"small"'}
    shown = client.get(f"/api/admin/sessions/{session.id}", headers=HEADERS).json()
    assert shown["items"][2]["state"] == "deployed"


def test_markup_in_every_field_of_a_trace_stays_text(
    client: TestClient, session: ReviewSession
) -> None:
    for path in ("/reviews", f"/reviews/{session.id}", "/traces?id=t1"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert HOSTILE not in answer.text
        assert "<img" not in answer.text
        assert "<script>document" not in answer.text


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1]])
def test_without_the_key_every_route_says_the_same(
    client: TestClient, session: ReviewSession, key: str
) -> None:
    answers = set()
    for method, path in ROUTES:
        for place in (path, path.replace("/x", f"/{session.id}")):
            headers = {"X-API-Key": key} if key else {}
            done = client.request(method, place, headers=headers, content="{")
            answers.add((done.status_code, done.text))
    assert len(answers) == 1
    assert answers.pop()[0] == 401
    hook = client.post("/api/webhooks/green-api", headers={"authorization": f"Bearer {key}"})
    assert hook.status_code == 401


@pytest.mark.parametrize("examples", [6, pytest.param(40, marks=pytest.mark.long)])
def test_the_api_as_its_openapi_page_describes_it_never_fails_inside(
    client: TestClient, examples: int
) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", client.app)
    headers = {**HEADERS, "authorization": "Bearer a secret of the webhook"}
    statuses: dict[str, set[int]] = {}
    for result in schema.include(path_regex="^/api/(admin|webhooks)").get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path == "/api/admin/optimize":
            continue  # it would start a review for each example
        _ask_anything(operation, headers, statuses.setdefault(operation.label, set()), examples)
    assert len(statuses) >= 9
    assert {name: codes for name, codes in statuses.items() if max(codes) >= 500} == {}


@pytest.mark.slow
@pytest.mark.parametrize("is_dry", [True, False])
def test_a_review_that_is_asked_for_runs_and_says_how_it_ended(
    client: TestClient, session: ReviewSession, is_dry: bool
) -> None:
    body = {"window_hours": 24, "dry_run": is_dry}
    started = client.post("/api/admin/optimize", json=body, headers=HEADERS)
    assert started.status_code == 202, started.text
    assert client.post("/api/admin/optimize", json=body, headers=HEADERS).status_code == 409
    context_of(client).tasks.join(started.json()["task"])
    ended = client.get(started.json()["status_url"], headers=HEADERS).json()
    assert (ended["state"], ended["exit_code"]) == ("succeeded", 0), ended
    listed = client.get("/api/admin/sessions", headers=HEADERS).json()["sessions"]
    assert len(listed) == (1 if is_dry else 2)


def _ask_anything(
    operation: Any, headers: dict[str, str], statuses: set[int], examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        statuses.add(case.call(headers=headers).status_code)

    ask()
