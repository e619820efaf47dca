"""A worker process of a target, seen from ours: started, asked from many threads, ended."""

import os
import shutil
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from adapters.sandbox.launch import LaunchedCommand
from adapters.step.target_sandbox import ModelAddress, WorkerPlace, started_worker
from adapters.step.worker import messages
from adapters.step.worker_answers import check_answer, check_greeting
from prompt_lab.errors import TargetError, TransientError
from prompt_lab.store.runs import OWN_FILES

START_SECONDS = 180.0
GRACE_SECONDS = 10.0
"""What a worker may take beyond a plan's limit before it counts as dead itself."""
END_SECONDS = 5.0
_AGE = "import sys; sys.exit(sys.version_info < (3, 8))"
KEPT_LINES = 40
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
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


class _Waiting(NamedTuple):
    """A thread that waits for an answer, and where the answer's files go."""

    answer: Future[dict[str, Any]]
    out_dir: Path | None


class TargetProcess:
    """One worker. `ready` is what it reported once the step was loaded; `failed` why it was not.

    It holds no folder of ours: a plan's files are sent to it, and what comes back we write.
    """

    def __init__(self, place: WorkerPlace, setup: Mapping[str, Any], most_mb: int) -> None:
        """`most_mb`: of all files that one plan may send back; 0: any."""
        self.ready: dict[str, Any] = {}
        self.failed: dict[str, str] | None = None
        self.environment = {**place.environment, "HOME": place.environment.get("HOME", "/tmp")}
        self.models = ModelAddress()
        self._most = most_mb << 20 or 1 << 50
        self._said: deque[str] = deque(maxlen=KEPT_LINES)
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = count(1)
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._dead = False
        self._launch(place)
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._overhear, daemon=True).start()
        self._introduce(setup)

    def ask(
        self, job: Mapping[str, Any], files: Sequence[tuple[str, str]], out_dir: Path | None
    ) -> dict[str, Any]:
        """Have one plan run or scored, and wait for its end; its files are then in `out_dir`.

        Raises TransientError where the worker itself has died or hangs.
        """
        seconds = float(job["limits"]["seconds"]) + GRACE_SECONDS
        return self._wait({**job, "id": next(self._numbers)}, seconds, files, out_dir)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._dead and self._launched.process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether anyone waits for an answer."""
        return bool(self._waiting)

    def close(self) -> None:
        """End it, with all that it runs."""
        self._end()

    def _launch(self, place: WorkerPlace) -> None:
        if shutil.which(str(place.interpreter)) is None:
            raise _no_interpreter(str(place.interpreter), "cannot start: it is no program")
        theirs_in, self._asks = os.pipe()
        self._tells, theirs_out = os.pipe()
        resources = ExitStack()
        try:
            started = started_worker(place, self.models, (theirs_in, theirs_out))
            self._launched = resources.enter_context(started)
        except OSError as error:
            raise _no_interpreter(
                str(place.interpreter), f"cannot start: {error.strerror}"
            ) from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        fds = (self._asks, self._tells)
        self._end = weakref.finalize(self, _finish, self._launched, resources, fds, os.getpid())

    def _introduce(self, setup: Mapping[str, Any]) -> None:
        try:
            answer = self._wait({**setup, "kind": "setup", "id": 0}, START_SECONDS, (), None)
            self.ready, self.failed = check_greeting(answer)
        except (TransientError, ValueError) as error:
            self.close()
            raise TargetError(f"the target's process did not start: {error}") from error
        self.ready.setdefault("unbound", []).extend(self._launched.unenforced)
        if self.failed:
            self.close()

    def _wait(
        self, request: dict[str, Any], seconds: float, files: Sequence[tuple[str, str]],
        out_dir: Path | None,
    ) -> dict[str, Any]:  # fmt: skip
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            self._waiting[request["id"]] = _Waiting(future, out_dir)
        # A plan may stop its worker, which then reads no more: writing ends in time as well.
        watchdog = threading.Timer(seconds, self._kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            self._write(request, files)
            return future.result(seconds)
        except NoAnswer as error:
            self._kill()
            raise TransientError(
                f"the target's process did not answer in {seconds:g} seconds and was ended"
            ) from error
        finally:
            watchdog.cancel()
            with self._lock:
                self._waiting.pop(request["id"], None)

    def _write(self, request: dict[str, Any], files: Sequence[tuple[str, str]]) -> None:
        with self._writing:
            if self._dead:
                raise self._process_died()
            try:
                messages.send(self._asks, request, files)
            except OSError as error:
                raise self._process_died() from error

    def _listen(self) -> None:
        """Hand each answer to the thread that waits for it; the end of answers ends them all."""
        try:
            while True:
                self._deliver(messages.receive(self._tells, self._place, self._most))
        except (EOFError, OSError):
            pass
        except (ValueError, messages.Forged) as error:
            self._said.append(f"what came from it is no answer of a worker: {error}"[:2000])
            self._kill()
        with self._lock:
            self._dead = True
            waiting = list(self._waiting.values())
        for one in waiting:
            if not one.answer.done():
                one.answer.set_exception(self._process_died())

    def _place(self, answer: dict[str, Any], path: str) -> str | None:
        """Where a file of an answer is written: in the run's folder, over nothing of ours."""
        with self._lock:
            waiting = self._waiting.get(_number(answer))
        if waiting is None or waiting.out_dir is None or path.partition("/")[0] in OWN_FILES:
            return None
        return str(waiting.out_dir / path)

    def _deliver(self, answer: dict[str, Any]) -> None:
        if "started" in answer:
            return
        number = _number(answer)
        checked = check_answer(answer) if number else answer
        with self._lock:
            waiting = self._waiting.get(number)
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(checked)

    def _overhear(self) -> None:
        """Keep the last lines of what the worker itself prints, however much that is."""
        for pipe in (self._launched.process.stderr,):
            with suppress(ValueError, OSError):
                while pipe is not None and (data := pipe.readline(4096)):
                    self._said.append(data.decode("utf-8", "replace").rstrip())

    def _process_died(self) -> TransientError:
        said = "\n".join(self._said).strip()
        return TransientError(
            "the target's worker process has ended" + (f"; it last said:\n{said}" if said else "")
        )

    def _kill(self) -> None:
        """The worker hangs: end it and its plans."""
        self._launched.kill()


def _number(answer: dict[str, Any]) -> int:
    number = answer.get("done", 0)
    return number if type(number) is int else -1


def _finish(
    launched: LaunchedCommand, resources: ExitStack, fds: tuple[int, int], owner: int
) -> None:
    """Close its input, upon which it ends itself and its plans; kill it if it does not."""
    if os.getpid() != owner:
        return  # a fork of ours holds the same pipes, but not the process
    with suppress(OSError):
        os.close(fds[0])
    with suppress(subprocess.TimeoutExpired):
        launched.process.wait(END_SECONDS)
    launched.kill()
    launched.finish()
    resources.close()
