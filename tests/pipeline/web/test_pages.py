"""The registry's pages: what they show, who may roll back, and what is refused."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipeline.web.app import create_app
from pipeline.web.context import WebSettings
from pipeline.web.shield import Rate, RequestLimits
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.conftest import LOCAL, context_of, log_in
from tests.pipeline.web.labs import HOSTILE, ID, why, write_text
from tests.prompt_lab.report.reading import Page


def test_all_prompts_with_a_forced_one_in_red(client: TestClient) -> None:
    answer = client.get("/prompts")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert len(page.find("span", class_="FORCED")) >= 2  # its row, and the latest changes
    assert HOSTILE not in answer.text
    assert "owned" in page.text
    assert not page.find("img")


def test_one_prompt_with_its_history_and_verdicts(client: TestClient) -> None:
    page = Page(client.get(f"/prompts/{ID}").text)
    kinds = [
        one["class"].split()[0] for one in page.find("li") if one.get("id", "").startswith("row")
    ]
    assert kinds == ["force", "rollback", "promote", "import"]
    assert "Better on the sealed plans." in page.text
    assert page.find("a", href="/lab/analysis/3_triage/report.html")
    assert "forced by ann" in page.text
    assert client.get("/lab/analysis/3_triage/report.html").text == "<h1>report of 3_triage</h1>"


def test_the_difference_of_any_two_versions(client: TestClient) -> None:
    old, new = (digest_text(write_text(mark)) for mark in ("first", "second"))
    page = Page(client.get(f"/prompts/{ID}/diff?old={old}&new={new}").text)
    assert "1 line added, 1 removed." in page.text
    same = Page(client.get(f"/prompts/{ID}/diff?old={old}&new={old}").text)
    assert "Both texts are the same." in same.text
    for path in (
        f"/prompts/{ID}/diff?old={old}&new={'0' * 64}",
        f"/prompts/query/diff?old={old}&new={new}",
    ):
        assert client.get(path).status_code == 404
    assert client.get(f"/prompts/{ID}/diff?old={old}").status_code == 422


def test_a_rollback_needs_login_token_role_reason_and_the_shown_snapshot(
    client: TestClient, registry: PromptRegistry
) -> None:
    first = registry.files.read_journal()[0].to_snapshot
    current, _ = registry.read_current()
    path = f"/snapshots/{first}/rollback"
    form = {"reason": "too long", "current": current}
    assert "Log in" in Page(client.get(f"/snapshots/{first}").text).text
    assert client.post(path, data=form).status_code == 401
    csrf = log_in(client, "reader", "reader")
    assert client.post(path, data={**form, "csrf": csrf}).status_code == 403
    csrf = log_in(client)
    assert client.post(path, data=form).status_code == 403
    assert client.post(path, data={**form, "csrf": csrf[:-1] + "~"}).status_code == 403
    stale = client.post(path, data={**form, "csrf": csrf, "current": first})
    assert stale.status_code == 409
    assert client.post(path, data={**form, "csrf": csrf, "reason": "  "}).status_code == 422
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        refused = client.post(path, data={**form, "csrf": csrf}, headers=headers)
        assert refused.status_code == 403, headers
    assert registry.read_current()[0] == current
    done = client.post(path, data={**form, "csrf": csrf}, headers={"Origin": LOCAL})
    assert (done.status_code, done.headers["location"]) == (303, "/history")
    row = registry.files.read_journal()[-1]
    assert (row.to_snapshot, row.reason, row.actor.name) == (first, "too long", "ann")
    unknown = client.post(
        f"/snapshots/{'0' * 64}/rollback", data={**form, "csrf": csrf, "current": first}
    )
    assert unknown.status_code == 409


def test_a_session_is_a_cookie_that_scripts_cannot_read_and_ends(client: TestClient) -> None:
    csrf = log_in(client)
    assert "Log out" in client.get("/prompts").text
    assert client.post("/logout", data={"csrf": "x"}).status_code == 403
    answer = client.post("/logout", data={"csrf": csrf})
    assert answer.status_code == 303
    assert "Log out" not in client.get("/prompts").text
    context = context_of(client)
    login = client.post(
        "/login", data={"key": context.keys.add("bo", "reader", "now"), "next": "//evil"}
    )
    assert login.headers["location"] == "/prompts"
    cookie = login.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    context.keys.remove(context.keys.list_keys()[-1].id)
    assert "Log out" not in client.get("/prompts").text


def test_a_wrong_key_starts_no_session_and_guesses_are_bounded(client: TestClient) -> None:
    answers = [client.post("/login", data={"key": f"plk_00_{n}"}).status_code for n in range(12)]
    assert answers[:10] == [401] * 10
    assert answers[-1] == 429
    assert not client.cookies


def test_every_answer_has_the_headers_that_browsers_need(client: TestClient) -> None:
    paths = (
        "/prompts",
        "/api/v1/prompts",
        "/lab/index.html",
        "/none",
        "/login",
        "/api/v1/prompts/x",
    )
    for path in paths:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "server" not in headers or headers["server"] == "prompt-lab"
    assert "script-src 'sha256-" in client.get("/prompts").headers["content-security-policy"]
    assert "sandbox" in client.get("/lab/index.html").headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/lab/web_keys.json",
        "/lab/prompts/promotions.jsonl",
        "/lab/baseline/verify/a/input.txt",
        "/lab/work/x",
        "/lab/analysis/../web_keys.json",
        "/lab/analysis/..%2fweb_keys.json",
        "/lab/analysis/link/secret.txt",
        "/lab/analysis/.hidden",
        "/lab//etc/passwd",
        "/lab/analysis/%00",
        "/lab/analysis/3_triage",
        "/lab/analysis/9_sealed/sealed_verdict.json",
    ],
)
def test_files_outside_of_the_pages_stay_closed(
    client: TestClient, tmp_path: Path, path: str
) -> None:
    lab = tmp_path / "lab"
    log_in(client)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    (lab / "analysis" / "link").symlink_to(tmp_path / "outside")
    (lab / "analysis" / ".hidden").write_text("x")
    (lab / "analysis" / "9_sealed").mkdir()
    (lab / "analysis" / "9_sealed" / "sealed_verdict.json").write_text("{}")
    (lab / "baseline" / "verify" / "a").mkdir(parents=True)
    (lab / "baseline" / "verify" / "a" / "input.txt").write_text("x")
    assert client.get(path).status_code == 404


def test_what_a_model_wrote_is_shown_as_text(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "lab" / "analysis" / "3_triage" / "insight_a.md").write_text(HOSTILE)
    answer = client.get("/lab/analysis/3_triage/insight_a.md")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == HOSTILE


def test_hosts_bodies_and_rates_are_bounded(registry: PromptRegistry, tmp_path: Path) -> None:
    limits = RequestLimits(body_bytes=100, requests=Rate(0.001, 5))
    app = create_app(Lab(tmp_path / "lab"), WebSettings(limits=limits))
    with TestClient(app, LOCAL) as client:
        assert client.get("/prompts", headers={"Host": "evil.example"}).status_code == 421
        assert client.post("/login", content=b"x" * 101).status_code == 413

        def pieces() -> "list[bytes]":
            return [b"x" * 60, b"y" * 60]

        streamed = client.post("/login", content=iter(pieces()))
        assert streamed.status_code == 413
        answers = [client.get("/api/v1/prompts").status_code for _ in range(6)]
        assert answers[-1] == 429


def test_a_lab_without_prompts_says_how_to_begin(tmp_path: Path) -> None:
    with TestClient(create_app(Lab(tmp_path / "empty")), LOCAL) as client:
        assert "prompts import FOLDER" in client.get("/prompts").text
        assert client.get("/api/v1/prompts/x").status_code == 503
        assert client.get("/history").status_code == 200


def test_older_rows_are_a_page_further(client: TestClient, registry: PromptRegistry) -> None:
    first, last = (registry.files.read_journal()[at].to_snapshot for at in (0, 1))
    for number in range(60):
        registry.roll_back(last, why(f"there {number}", 6))
        registry.roll_back(first, why(f"back {number}", 6))
    page = client.get("/history")
    assert 'href="/history?before=25"' in page.text
    older = Page(client.get("/history?before=25").text)
    assert len([one for one in older.find("li") if one.get("id", "").startswith("row")]) == 24
