"""The service's page and /metrics: what they show, who may read; reading writes nothing."""

from fastapi.testclient import TestClient

from prompt_lab.clock import utc_now
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.canary import canary_file
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.records import Canary
from prompt_lab.store.database.engine import FILE, open_outcomes
from prompt_lab.store.files import write_record
from tests.pipeline.web.conftest import add_key, context_of
from tests.pipeline.web.labs import HOSTILE, ID
from tests.prompt_lab.report.reading import Page


def fill(client: TestClient) -> None:
    lab, now = context_of(client).lab, utc_now()
    rows = [
        CallOutcome(
            trace=f"t{number}",
            when=now,
            prompt_id=ID,
            task_class='say "hi"\\',
            success=number % 4 > 0,
            latency_ms=9000.0,
        )
        for number in range(40)
    ]
    open_outcomes(lab).add(rows)
    note(lab, "canary_aborted", now, prompt_id=ID, codes=["canary_worse"], text=HOSTILE)
    canary = Canary(
        prompt_id=ID, candidate="b" * 64, control="a" * 64, verdict_id="", share=0.2, seed=1,
        started=now, ended=now, state="aborted", reasons=("canary_worse",), forced_by=HOSTILE,
    )  # fmt: skip
    write_record(canary_file(lab, ID), canary)


def test_the_page_shows_levels_alerts_canaries_and_decisions(client: TestClient) -> None:
    fill(client)
    answer = client.get("/promptops")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert "75.0 %" in page.text
    assert "latency exceeded" in page.text
    assert "canary_worse" in page.text
    assert HOSTILE not in answer.text
    assert not page.find("img")
    assert page.find("a", href="/promptops")[0]["aria-current"] == "page"


def test_metrics_are_gauges_with_escaped_labels(client: TestClient) -> None:
    fill(client)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    labels = f'prompt_id="{ID}",task_class="say \\"hi\\"\\\\"'
    assert f"prompt_lab_promptops_success_ratio{{{labels}}} 0.75\n" in answer.text
    assert f"prompt_lab_promptops_calls{{{labels}}} 40\n" in answer.text
    assert 'prompt_lab_promptops_alert{code="latency_exceeded"' in answer.text
    assert "prompt_lab_promptops_stale 0\n" in answer.text
    assert all(line.startswith(("# ", "prompt_lab_")) for line in answer.text.splitlines())


def test_a_lab_that_never_used_the_service_is_only_read(client: TestClient) -> None:
    page = Page(client.get("/promptops").text)
    assert "no metric row was ever written" in page.text
    assert "prompt_lab_promptops_stale 1\n" in client.get("/metrics").text
    root = context_of(client).lab.root
    assert not (root / FILE).exists()
    assert not (root / "promptops").exists()


def test_reading_takes_a_key_where_it_is_closed(closed_client: TestClient) -> None:
    for path in ("/promptops", "/metrics"):
        assert closed_client.get(path).status_code == 401
    headers = {"authorization": f"Bearer {add_key(closed_client, 'scraper', 'reader')}"}
    assert closed_client.get("/metrics", headers=headers).status_code == 200
