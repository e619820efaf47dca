"""The owner's side of the gateway: start it, issue tokens, read what each run used."""

import http.client
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

from adapters.gateway.records import CallRecord, GatewayUsage, RunId
from adapters.gateway.settings import GatewaySettings, Mode, RecordingsAt, Route
from adapters.pipes import is_readable
from prompt_lab.config.routing import GatewayRouting
from prompt_lab.errors import TransientError, UnknownName
from prompt_lab.names import Side

START_SECONDS = 60
TELL_SECONDS = 60


class Urls(NamedTuple):
    """The base URLs of one run, as each vendor's client takes them."""

    openai: str
    anthropic: str
    ollama: str


class Gateway:
    """A gateway in a process of its own. Safe to use from many threads, and from forks.

    `recordings` is a folder with a file for each request, or a RecordingsAt that says how it is
    laid out; `log` a JSONL file to which every call is appended; `env` the gateway's environment,
    which alone holds the keys (None: this process' own); `routing` where the routing table is.
    """

    POPEN: type["subprocess.Popen[bytes]"] = subprocess.Popen
    """What starts the process."""

    def __init__(
        self,
        routes: Sequence[Route],
        mode: Mode = "live",
        recordings: Path | RecordingsAt | None = None,
        *,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        routing: GatewayRouting | None = None,
    ) -> None:
        if isinstance(recordings, Path):
            recordings = RecordingsAt(path=recordings)
        self._settings = GatewaySettings(
            routes=tuple(routes),
            mode=mode,
            recordings=recordings,
            log=log,
            routing=routing,
            secret=secrets.token_urlsafe(24),
        )
        self._env = env
        self._owner = os.getpid()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> Self:
        """Start the process, unless it runs. Raises TransientError where it does not start."""
        with self._lock:
            if self._process is None:
                self._process, self._port = _start(self._settings, self._env, self.POPEN)
        return self

    def issue(
        self,
        model: str,
        *,
        plan: str,
        side: Side,
        replicate: int,
        fallbacks: Sequence[str] = (),
        phase: str = "",
    ) -> str:
        """A token for one run of `model` (an alias). Raises UnknownName.

        Each call is answered by the model, or by the first of the fallbacks that is not dead. With
        a `phase` the routing table decides which of all routes may answer, and in which order.
        """
        known = {route.config.alias for route in self._settings.routes}
        models = tuple(dict.fromkeys((model, *fallbacks)))
        for alias in models:
            if alias not in known:
                raise UnknownName("model", alias, known, "the gateway's routes")
        token = secrets.token_urlsafe(16)
        run = RunId(models=models, plan=plan, side=side, replicate=replicate, phase=phase)
        self._request("issue", token, run=run.model_dump())
        return token

    def url(self, token: str) -> Urls:
        """Where a client of each dialect is led to."""
        base = f"http://127.0.0.1:{self._port}/run/{token}"
        return Urls(openai=f"{base}/v1", anthropic=base, ollama=base)

    def usage(self, token: str) -> GatewayUsage:
        """The exact sum of the run's calls. Raises TransientError."""
        return GatewayUsage.model_validate(self._request("usage", token)["usage"])

    def calls(self, token: str) -> list[CallRecord]:
        """The run's calls in the order in which they ended. Raises TransientError."""
        return [CallRecord.model_validate(c) for c in self._request("calls", token)["calls"]]

    def end(self, token: str) -> list[CallRecord]:
        """The run's calls, which are forgotten; the token is good for nothing after that."""
        return [CallRecord.model_validate(c) for c in self._request("end", token)["calls"]]

    def close(self) -> None:
        """End the process. Calls under way break off. In a fork: leave it to who started it."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _request(self, wish: str, token: str, **more: Any) -> dict[str, Any]:
        body = json.dumps({"token": token, **more})
        head = {"x-owner": self._settings.secret, "Content-Type": "application/json"}
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TELL_SECONDS)
        try:
            line.request("POST", f"/owner/{wish}", body, head)
            answer: dict[str, Any] = json.loads(line.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(
                f"The gateway does not answer ({type(error).__name__}). Run the same command again."
            ) from error
        finally:
            line.close()
        if "fault" in answer:
            raise TransientError(f"The gateway: {answer['fault']}")
        return answer


def _start(
    settings: GatewaySettings,
    env: Mapping[str, str] | None,
    popen: type["subprocess.Popen[bytes]"],
) -> tuple["subprocess.Popen[bytes]", int]:
    process = popen(
        [sys.executable, "-m", "adapters.gateway.server", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=None if env is None else dict(env),
        start_new_session=True,  # Ctrl-C is for the owner; the pipe ends the gateway
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.write(settings.model_dump_json().encode() + b"\n")
        process.stdin.flush()
    ready = is_readable(process.stdout.fileno(), START_SECONDS)
    port = process.stdout.readline().decode().strip() if ready else ""
    process.stdout.close()
    if not port:
        process.kill()
        raise TransientError(f"The gateway did not start (exit code {process.wait()}).")
    return process, int(port)
