"""A server on loopback that speaks all four dialects, written apart from the gateway's own."""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.adapters.gateway.voices import SPOKEN, Said
from tests.loopback import Loopback


class Fault(NamedTuple):
    """What is answered instead: a status, headers, and a body."""

    status: int
    headers: Mapping[str, str] = {}
    body: str = '{"error": {"message": "not now"}}'


class StandIn(Loopback):
    """Answers with `texts` in turn (the last one again and again), after the `faults`.

    `seen` holds (path, headers, body) of each request; `tokens` counts what it said it used.
    """

    def __init__(self, *texts: str, faults: list[Fault] | None = None, latency: float = 0) -> None:
        self.texts, self.faults = list(texts or ["twelve"]), list(faults or [])
        self.latency = latency
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.tokens: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        super().__init__(self._handler())

    def _next(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Fault | Said:
        with self._lock:
            self.seen.append((path, headers, body))
            if self.faults:
                return self.faults.pop(0)
            text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
            inside = len(json.dumps(body, sort_keys=True)) % 97 + 1
            self.tokens.update(input=inside, output=len(text))
            return Said(text, inside, len(text))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                with owner._lock:
                    owner.at_once += 1
                    owner.most_at_once = max(owner.most_at_once, owner.at_once)
                time.sleep(owner.latency)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw)
                said = owner._next(self.path, headers, body)
                with owner._lock:
                    owner.at_once -= 1
                if isinstance(said, Fault):
                    self._reply(said.status, "application/json", said.body.encode(), said.headers)
                    return
                answer = SPOKEN[self.path](body, said)
                if isinstance(answer, list):
                    self._stream(answer, "/api/" in self.path)
                else:
                    self._reply(200, "application/json", json.dumps(answer).encode(), {})

            def _reply(self, status: int, kind: str, data: bytes, more: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, events: list[Any], lines: bool) -> None:
                kind = "application/x-ndjson" if lines else "text/event-stream"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in events:
                    text = event if isinstance(event, str) else json.dumps(event)
                    named = f"event: {event['type']}\n" if "type" in event else ""
                    data = (text + "\n" if lines else f"{named}data: {text}\n\n").encode()
                    for piece in (data[:7], data[7:]):  # an event may come in pieces
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Handler
