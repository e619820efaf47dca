"""A worker process of a target, seen from ours: started, asked from many threads, ended."""

import json
import os
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prompt_lab.errors import TargetError, TransientError

_BOUNDS = Path(__file__).parent.parent / "bounds"
_INSIDE = Path(__file__).parent.parent / "sandbox" / "inside"
START = _INSIDE / "start.py"
SERVES = "step.worker.loop"
FILES = (_BOUNDS, _INSIDE, Path(__file__).parent / "worker")
"""The folders of what runs in the target's process."""
START_SECONDS = 180.0
GRACE_SECONDS = 10.0
"""What a worker may take beyond a plan's limit before it counts as dead itself."""
_AGE = "import sys; sys.exit(sys.version_info < (3, 8))"
KEPT_LINES = 40
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""Variables that every target is given, where they are set."""


def starts(interpreter: str, environment: Mapping[str, str]) -> None:
    """Raises TargetError where this is no Python that a worker can run under."""
    argv = [interpreter, "-I", "-c", _AGE]
    try:
        done = subprocess.run(
            argv, env=dict(environment), capture_output=True, timeout=START_SECONDS, check=False
        )
    except OSError as error:
        raise _no_interpreter(interpreter, f"cannot start: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise _no_interpreter(interpreter, f"did not end in {START_SECONDS:g} seconds") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        why = said[0] if said else f"ended with {done.returncode}"
        raise _no_interpreter(interpreter, f"is no Python 3.8 or later: {why}")


def _no_interpreter(interpreter: str, why: str) -> TargetError:
    return TargetError(
        f"the target's interpreter {interpreter!r} {why}."
        " Correct 'interpreter' in the target's config."
    )


class TargetProcess:
    """One worker. `ready` is what it reported once the step was loaded; `failed` why it was not."""

    def __init__(
        self, interpreter: Path, environment: Mapping[str, str], setup: Mapping[str, Any]
    ) -> None:
        self.ready: dict[str, Any] = {}
        self.failed: dict[str, str] | None = None
        self._scratch = TemporaryDirectory(prefix="prompt-lab-")
        self.environment = {**environment, "HOME": environment.get("HOME", self._scratch.name)}
        self._said: deque[str] = deque(maxlen=KEPT_LINES)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._plans: dict[int, int] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._dead = False
        self._process = self._start(interpreter)
        self._end = weakref.finalize(self, _finish, self._process, self._scratch, os.getpid())
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._overhear, daemon=True).start()
        self._introduce(setup)

    def ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Have one plan run or scored, and wait for its end.

        Raises TransientError where the worker itself has died or hangs.
        """
        number = next(self._numbers)
        seconds = float(job["limits"]["seconds"]) + GRACE_SECONDS
        return self._wait(number, {**job, "id": number}, seconds)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._dead and self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether anyone waits for an answer."""
        return bool(self._waiting)

    def close(self) -> None:
        """End it, with all that it runs."""
        self._end()

    def _start(self, interpreter: Path) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                [str(interpreter), "-I", "-B", str(START), SERVES],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
                cwd=self._scratch.name,
                start_new_session=True,
            )
        except OSError as error:
            self._scratch.cleanup()
            raise _no_interpreter(str(interpreter), f"cannot start: {error.strerror}") from error

    def _introduce(self, setup: Mapping[str, Any]) -> None:
        try:
            answer = self._wait(0, {**setup, "kind": "setup"}, START_SECONDS)
        except TransientError as error:
            self.close()
            raise TargetError(f"the target's process did not start: {error}") from error
        self.ready = answer.get("ready", {})
        self.failed = answer.get("failed")
        if self.failed:
            self.close()

    def _wait(self, number: int, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            self._waiting[number] = future
        try:
            self._write(request)
            return future.result(seconds)
        except NoAnswer as error:
            self._kill()
            raise TransientError(
                f"the target's process did not answer in {seconds:g} seconds and was ended"
            ) from error
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def _write(self, request: Mapping[str, Any]) -> None:
        pipe = self._process.stdin
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            if self._dead or pipe is None:
                raise self._process_died()
            try:
                pipe.write(line)
                pipe.flush()
            except OSError as error:
                raise self._process_died() from error

    def _listen(self) -> None:
        """Hand each answer to the thread that waits for it; the end of answers ends them all."""
        pipe = self._process.stdout
        with suppress(ValueError, OSError):
            for line in pipe or ():
                self._deliver(json.loads(line))
        with self._lock:
            self._dead = True
            waiting = list(self._waiting.values())
        for future in waiting:
            if not future.done():
                future.set_exception(self._process_died())

    def _deliver(self, answer: dict[str, Any]) -> None:
        if "started" in answer:
            self._plans[answer["started"]] = answer["pid"]
            return
        number = answer.get("done", 0)
        self._plans.pop(number, None)
        with self._lock:
            future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(answer)

    def _overhear(self) -> None:
        """Keep the last lines of what the worker itself prints, however much that is."""
        pipe = self._process.stderr
        with suppress(ValueError, OSError):
            while pipe is not None and (data := pipe.readline(4096)):
                self._said.append(data.decode("utf-8", "replace").rstrip())

    def _process_died(self) -> TransientError:
        said = "\n".join(self._said).strip()
        return TransientError(
            "the target's worker process has ended" + (f"; it last said:\n{said}" if said else "")
        )

    def _kill(self) -> None:
        """The worker hangs: end it and the plans that it reported."""
        for group in list(self._plans.values()):
            with suppress(OSError):
                os.killpg(group, 9)
        self._process.kill()


def _finish(
    process: "subprocess.Popen[bytes]", scratch: "TemporaryDirectory[str]", owner: int
) -> None:
    """Close its input, upon which it ends itself and its plans; kill it if it does not."""
    if os.getpid() != owner:
        return  # a fork of ours holds the same pipes, but not the process
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
    with suppress(OSError):
        scratch.cleanup()
