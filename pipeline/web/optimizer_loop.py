"""`prompt-lab serve --worker`: rounds of the optimizer beside the server, one at a time."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from prompt_lab.report.terminal import say

PAUSE_SECONDS = 60.0
"""Between the end of one command and the next."""
STOP_SECONDS = 10.0


class OptimizerLoop:
    """Runs `luigi --module pipeline Optimize` again and again until it is closed.

    Each command decides by itself whether it should work; a line is printed where what it says has
    changed.
    """

    def __init__(self, root: Path, pause: float = PAUSE_SECONDS) -> None:
        self._environment = {**os.environ, "PROMPTLAB_ROOT": str(root)}
        self._pause = pause
        self._closed = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._starting = threading.Lock()
        self._said = ""
        self._rounds = threading.Event()
        self._thread = threading.Thread(target=self._run, name="optimizer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the command that runs; what it has finished is kept."""
        with self._starting:
            self._closed.set()
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
        self._thread.join(STOP_SECONDS)

    def wait_for_round(self, seconds: float) -> bool:
        """Whether a first command has ended within so many seconds."""
        return self._rounds.wait(seconds)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._run_once()
            self._closed.wait(self._pause)

    def _run_once(self) -> None:
        command = [sys.executable, "-m", "luigi", "--module", "pipeline", "Optimize"]
        luigi = Path(sys.executable).with_name("luigi")
        if luigi.exists():
            command = [str(luigi), *command[3:]]
        with self._starting:
            if self._closed.is_set():
                return
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        said, _ = self._process.communicate()
        last = said.strip().splitlines()[-1:] or [""]
        if last[0] != self._said and not self._closed.is_set():
            say(f"optimizer: {last[0]}")
        self._said = last[0]
        self._rounds.set()
