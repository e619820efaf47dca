"""The embedded model's processes: as many as cores, shared by all aliases, one call each."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Lock

from prompt_lab.errors import OutsideFailure

START_SECONDS = 120


@dataclass
class Server:
    """One process. `prefixes` are the system texts whose state it has saved."""

    process: "subprocess.Popen[bytes]"
    address: str
    prefixes: dict[str, str] = field(default_factory=dict)
    clients: dict[str, object] = field(default_factory=dict)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Close its pipe; it ends by itself."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """Starts a server when a call finds none idle and there are fewer than cores."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle: Queue[Server] = Queue()
        self._all: list[Server] = []
        self._lock = Lock()

    @contextmanager
    def lease(self) -> Iterator[tuple[Server, float]]:
        """A server for one call, and the seconds that it was waited for."""
        begun = time.perf_counter()
        server = self._take()
        try:
            yield server, time.perf_counter() - begun
        finally:
            if server.alive():
                self._idle.put(server)
            else:
                self._forget(server)

    def close(self) -> None:
        """End all servers."""
        with self._lock:
            servers, self._all = self._all, []
            self._idle = Queue()
        for server in servers:
            server.stop()

    def _take(self) -> Server:
        while True:
            try:
                server = self._idle.get_nowait()
            except Empty:
                started = self._start_one()
                if started:
                    return started
                try:
                    server = self._idle.get(timeout=1)
                except Empty:
                    continue  # a server may have died: look again whether one can be started
            if server.alive():
                return server
            self._forget(server)

    def _start_one(self) -> Server | None:
        with self._lock:
            if len(self._all) >= self._size:
                return None
            server = _start()
            self._all.append(server)
            return server

    def _forget(self, server: Server) -> None:
        with self._lock:
            if server in self._all:
                self._all.remove(server)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared_pool() -> Pool:
    """The pool of this process; a fork gets one of its own."""
    global _pool  # noqa: PLW0603 -- one for each process, by definition
    with _making:
        if _pool is None or _pool[0] != os.getpid():
            _pool = (os.getpid(), Pool(cores()))
        return _pool[1]


_pool: tuple[int, Pool] | None = None
_making = Lock()


def _start() -> Server:
    process = subprocess.Popen(
        [sys.executable, "-m", "adapters.llm.embedded_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the owner; the pipe tells the server
    )
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    process.stdout.close()
    if not address:
        process.kill()
        raise OutsideFailure(
            f"The embedded model did not start (exit code {process.wait()}). Run `make setup` again."
        )
    return Server(process, address)
