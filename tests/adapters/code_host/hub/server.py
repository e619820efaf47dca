"""The server: hands calls to git or to the API, counts them, fails and cuts where a test says."""

import base64
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.adapters.code_host.hub.git_http import ASK_FOR_A_KEY, serve_git
from tests.adapters.code_host.hub.wire import Call, Reply
from tests.loopback import Loopback

Api = Callable[[Call], Reply]


@dataclass
class Cut:
    """The n-th call never gets its answer: cut off `before` it takes effect, or `after`."""

    at: int
    when: Literal["before", "after"]
    act: Callable[[], None]


@dataclass
class Fault:
    """The next `times` calls of a method whose path ends like this get `reply` instead."""

    method: str
    ending: str
    reply: Reply
    times: int = 1
    after: bool = False
    """The call takes effect before its answer is replaced."""


@dataclass
class Hub:
    """`http://localhost:<port>`: the API at the root, git at /<owner>/<name>.git."""

    root: Path
    api: Api
    tokens: set[str]
    pushed: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    cut: Cut | None = None
    watch: Callable[[], None] = lambda: None
    """Called before each call takes effect, and before it is answered."""

    def __enter__(self) -> "Hub":
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._lock = threading.Lock()
        self._server = Loopback(Handler).__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def fail(self, method: str, ending: str, reply: Reply, **more: Any) -> None:
        """Let the next calls of that kind fail."""
        self.faults.append(Fault(method, ending, reply, **more))

    def answer(self, call: Call) -> Reply | None:
        """One call at a time; None: the connection is closed without an answer."""
        with self._lock:
            self.calls.append(f"{call.method} {call.path}")
            cut = self.cut if self.cut and self.cut.at == len(self.calls) else None
            if cut and cut.when == "before":
                cut.act()
                return None
            self.watch()
            fault = self._fault(call)
            if fault and not fault.after:
                return fault.reply
            reply = self._git(call) if ".git/" in call.path else self.api(call)
            self.watch()
            if cut:
                cut.act()
                return None
            return fault.reply if fault else reply

    def _fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if fault.times and call.method == fault.method and call.path.endswith(fault.ending):
                fault.times -= 1
                return fault
        return None

    def _git(self, call: Call) -> Reply:
        if call.token not in self.tokens:
            return ASK_FOR_A_KEY
        reply = serve_git(self.root, call)
        if call.method == "POST" and call.path.endswith("/git-receive-pack"):
            self.pushed()
        return reply


class _Handler(BaseHTTPRequestHandler):
    server_hub: Hub
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {key.lower(): value for key, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        call = Call(
            self.command, url.path, dict(parse_qsl(url.query)), body, headers, _token(headers)
        )
        reply = self.server_hub.answer(call)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        headers = {"content-type": "application/json"}
        headers |= {key.lower(): value for key, value in reply.headers.items()}
        for key, value in headers.items():
            if key.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(reply.content)))
        with suppress(ConnectionError):  # whoever asked may have been killed meanwhile
            self.end_headers()
            self.wfile.write(reply.content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


def _token(headers: Mapping[str, str]) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        return base64.b64decode(value).decode().partition(":")[2]
    return value
