"""docs/promptops_contract.md: its examples run, in process and over HTTP, as it shows."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pipeline.web.app import create_app
from prompt_lab.promptops.metric_log import describe_outcome
from prompt_lab.promptops.records import CallOutcome, PromptPrepared
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.conftest import LOCAL
from tests.pipeline.web.labs import find_any, why
from tests.pipeline.world import REPOSITORY

PAGE = (REPOSITORY / "docs/promptops_contract.md").read_text("utf-8")
PYTHON = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
JSON = re.compile(r"```json\n(.*?)```", re.DOTALL)
CALL = re.compile(r"POST `(.*?)`\n\n```json\n(.*?)```\n\nanswers\n\n```json\n(.*?)```", re.DOTALL)
TEXTS = {
    "support_answer": (
        "support",
        "Answer in one sentence. Name the machine and the hall. If you do not know, say so.",
    ),
    "read_label": (
        "reading",
        "Read what the picture shows, letter by letter. Task: {{ query }}",
    ),
}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    root = tmp_path / "lab"
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_any)
    manifests = {
        name: propose_manifest(name, text).model_copy(update={"task_class": task_class})
        for name, (task_class, text) in TEXTS.items()
    }
    texts = {name: text for name, (_, text) in TEXTS.items()}
    registry.import_texts(texts, manifests, why("for the page", 1))
    # A busy machine may take away the processor for longer than the default budget.
    settings = "step: s\nmodels: [m]\npromptops: {prepare_ms: 60000}\n"
    (root / "lab.yaml").write_text(settings)
    return root


@pytest.fixture
def client(lab: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Lab(lab)), LOCAL) as made:
        yield made


def test_the_examples_of_the_contract_print_what_it_shows(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lab.parent)
    names: dict[str, Any] = {}
    blocks = PYTHON.findall(PAGE)
    assert len(blocks) == 5
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == shown
    names["service"].close()
    types = [row["type"] for row in read_rows(lab / "promptops" / "metrics.jsonl")]
    assert types == [
        "promptops.prepare_prompt",
        "promptops.model_interaction",
        *["promptops.prepare_prompt"] * 2,
    ]


def test_the_calls_over_http_are_answered_as_it_shows(client: TestClient) -> None:
    calls = CALL.findall(PAGE)
    assert len(calls) == 3
    for path, body, expected in calls:
        answer = client.post(path, json=json.loads(body))
        assert answer.status_code == 200
        found = answer.json()
        for name, value in json.loads(expected).items():
            assert found[name] == value, (path, name)


def test_its_rows_have_the_fields_that_are_written(client: TestClient, lab: Path) -> None:
    rows = [one for block in JSON.findall(PAGE) if "type" in (one := json.loads(block))]
    prepared, outcome = rows
    body = {"task_class": "support", "raw_prompt": "x", "context": {"unit": "user 7"}}
    client.post("/api/v1/promptops/prepare", json=body)
    client.__exit__()
    [written] = read_rows(lab / "promptops" / "metrics.jsonl")
    assert prepared.keys() == written.keys()
    facts = {name: outcome[name] for name in ("success", "latency_ms")}
    assert describe_outcome(outcome["trace"], outcome["ts"], facts) == outcome


def find_names(after: str, before: str) -> list[str]:
    """The names in the first column of the table between two texts of the page."""
    table = PAGE.partition(after)[2].partition(before)[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    return re.findall(r"`(\w+)`", " ".join(cells))


def test_its_tables_name_the_fields_of_the_records() -> None:
    given = find_names("and gives", "The registered text and the raw prompt")
    assert sorted(given) == sorted(PromptPrepared.model_fields)
    facts = find_names("## record_outcome", "## recommend_template")
    assert set(facts) <= set(CallOutcome.model_fields)
    assert len(facts) == 15
