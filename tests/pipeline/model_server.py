"""A model server on loopback whose behaviour a test chooses and whose calls a test counts."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import Loopback, completion
from tests.pipeline.world import HINT, NUMBER

Behaviour = Callable[[str, str], str | int]
"""(system, user) -> the answer's text, or the HTTP status of a failure."""


def reads_well(system: str, user: str) -> str:
    """The second number where the prompt has the hint, else the first."""
    found = re.findall(NUMBER, user)
    return json.dumps({"amount": float(found[1 if HINT in system else 0])})


def reads_right(system: str, user: str) -> str:
    """The second number whatever the prompt says."""
    return json.dumps({"amount": float(re.findall(NUMBER, user)[1])})


class ModelServer(Loopback):
    """Speaks chat completions. `calls` counts requests by their two messages."""

    def __init__(self, behaviour: Behaviour = reads_well, latency: float = 0.0) -> None:
        self.behaviour, self.latency = behaviour, latency
        self.calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        super().__init__(self._handler())
        self.address += "/v1"

    def config(self, **more: Any) -> dict[str, Any]:
        """The config of a model that lives here."""
        base = {"provider": "openai_like", "id": "stand-in", "base_url": self.address}
        return {**base, "deterministic": True, "workers": 4, "timeout_seconds": 10, **more}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                system, user = (m["content"] for m in json.loads(self.rfile.read(size))["messages"])
                with owner._lock:
                    owner.calls[(system, user)] += 1
                time.sleep(owner.latency)
                said = owner.behaviour(system, user)
                body = json.dumps(completion(str(said))).encode()
                self.send_response(said if isinstance(said, int) else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler
