"""The embedded model's processes: as many as cores, shared by all aliases, one call each."""

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Lock

from adapters.pipes import is_readable
from adapters.wire.per_process import PerProcess
from prompt_lab.errors import TransientError

START_SECONDS = 120


@dataclass(eq=False)
class Server:
    """One process. `prefixes` are the system texts whose state it has saved, oldest first."""

    process: "subprocess.Popen[bytes]"
    address: str
    prefixes: dict[str, str] = field(default_factory=dict)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def let_go(self) -> None:
        """Close the pipe, at which the process ends by itself."""
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()

    def stop(self) -> None:
        """End the process and wait until it has ended."""
        self.let_go()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """Starts a server when a call finds none idle and there are fewer than `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle: Queue[Server] = Queue()
        self._all: list[Server] = []
        self._starting = 0
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

    def addresses(self) -> list[str]:
        """Of all servers, which are started: for who shares them among calls without a lease."""
        while server := self._start_one():
            self._idle.put(server)
        with self._lock:
            return [server.address for server in self._all if server.alive()]

    def pids(self) -> list[int]:
        """Process ids of the servers that have been started and not been lost."""
        with self._lock:
            return [server.process.pid for server in self._all]

    def close(self) -> None:
        """End all servers. A call that is under way fails; a further one starts them again."""
        with self._lock:
            servers, self._all = self._all, []
        for server in servers:
            server.let_go()
        for server in servers:
            server.stop()

    def leave_to_parent(self) -> None:
        """In a fork: give up this copy of the pipes, which must not outlive the owner's own."""
        for server in self._all:
            server.let_go()
        self._all = []

    def _take(self) -> Server:
        while True:
            server = self._idle_one(0) or self._start_one() or self._idle_one(1)
            # None: perhaps one has died meanwhile, and there is room to start another.
            if server and server.alive():
                return server
            if server:
                self._forget(server)

    def _idle_one(self, seconds: float) -> Server | None:
        try:
            return self._idle.get(timeout=seconds) if seconds else self._idle.get_nowait()
        except Empty:
            return None

    def _start_one(self) -> Server | None:
        with self._lock:
            if len(self._all) + self._starting >= self._size:
                return None
            self._starting += 1
        server = None
        try:
            server = _start()
            return server
        finally:
            with self._lock:
                self._starting -= 1
                self._all += [server] if server else []

    def _forget(self, server: Server) -> None:
        with self._lock:
            if server in self._all:
                self._all.remove(server)
        server.stop()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared_pool() -> Pool:
    """The pool of this process; a fork gets one of its own."""
    return _pools.get()


def _make_pool() -> Pool:
    pool = Pool(cores())
    owner = os.getpid()

    def in_fork() -> None:
        if os.getppid() == owner:
            pool.leave_to_parent()

    atexit.register(pool.close)
    os.register_at_fork(after_in_child=in_fork)
    return pool


_pools: PerProcess[Pool] = PerProcess(_make_pool)


def _start() -> Server:
    process = subprocess.Popen(
        [sys.executable, "-m", "adapters.llm.embedded_server", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the owner; the pipe ends the server
    )
    assert process.stdout is not None
    ready = is_readable(process.stdout.fileno(), START_SECONDS)
    address = process.stdout.readline().decode().strip() if ready else ""
    process.stdout.close()
    if not address:
        process.kill()
        code = process.wait()
        raise TransientError(
            f"The embedded model did not start (exit code {code}). "
            "Run `prompt-lab install-local-model` again."
        )
    return Server(process, address)
