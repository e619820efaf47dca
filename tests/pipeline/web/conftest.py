"""The app on a lab with history, in process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipeline.web.app import create_app
from pipeline.web.context import WebContext, WebSettings
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.labs import make_lab

LOCAL = "http://127.0.0.1:8084"


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    return make_lab(tmp_path / "lab")


@pytest.fixture
def client(registry: PromptRegistry, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Lab(tmp_path / "lab")), LOCAL, follow_redirects=False) as made:
        yield made


@pytest.fixture
def closed_client(registry: PromptRegistry, tmp_path: Path) -> Iterator[TestClient]:
    """Reading takes a key, as elsewhere than on loopback."""
    app = create_app(Lab(tmp_path / "lab"), WebSettings(open_reading=False))
    with TestClient(app, LOCAL, follow_redirects=False) as made:
        yield made


def context_of(client: TestClient) -> WebContext:
    context: WebContext = client.app.state.context  # type: ignore[attr-defined]
    return context


def add_key(client: TestClient, name: str = "ann", role: str = "operator") -> str:
    when = "2026-03-01T00:00:00Z"
    return context_of(client).keys.add(name, "operator" if role == "operator" else "reader", when)


def log_in(client: TestClient, name: str = "ann", role: str = "operator") -> str:
    """Start a session; the CSRF token of its pages."""
    answer = client.post("/login", data={"key": add_key(client, name, role), "next": "/history"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/history")
    session = context_of(client).sessions.find(client.cookies["prompt_lab_session"])
    assert session is not None
    return session.csrf
