"""A real luigid with our settings, which a test may kill and start again on its port."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.loopback import free_port
from tests.pipeline.world import REPOSITORY, World

SETTINGS = {"LUIGI_CONFIG_PATH": "configs/luigid.cfg"}


class Luigid:
    """Listens between `start` and `kill`, or in a with block; its state is in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._state = str(folder / "luigid-state")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = str(Path(sys.executable).with_name("luigid"))
        where = ["--address", "127.0.0.1", "--port", str(self.port), "--state-path", self._state]
        self._process = subprocess.Popen(
            [program, *where],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError(f"luigid ended with {self._process.returncode}")

    def kill(self) -> None:
        """End it as a crash would: what it knew is lost."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def iterate(self, world: World, number: int = 1) -> "subprocess.Popen[str]":
        """Start an iteration of a world through it, as a user would."""
        where = ("--number", str(number), "--scheduler-port", str(self.port))
        return world.command("Iteration", *where, env=SETTINGS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
