"""The worker processes of one step: one for each worktree, and one without any, which scores."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.step.process import PASSED, TargetProcess, starts
from adapters.step.step_file import StepFile
from adapters.step.target_sandbox import WorkerPlace
from prompt_lab.errors import TargetError
from prompt_lab.names import Side
from prompt_lab.own_process import TargetLocation

KEPT = 6
"""Worktrees whose workers are kept; the one that was asked for longest ago makes room."""
_Site = tuple[str, str]


class Sites:
    """Started on first use, from many threads; a worker that died is replaced by a new one."""

    def __init__(self, file: StepFile, place: TargetLocation, mode: str, most_mb: int) -> None:
        """`most_mb`: of all files that one run may leave; 0: any."""
        self._file, self._place, self._mode, self._most_mb = file, place, mode, most_mb
        self.import_roots = file.import_roots or place.target.import_roots
        self.packages = file.packages or place.target.packages
        self._running: dict[_Site, TargetProcess] = {}
        self._locks: dict[_Site, threading.Lock] = {}
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def process_for(self, worktree: Path, side: Side | None) -> TargetProcess:
        """The worker of a worktree. Raises TargetError where it cannot start."""
        return self._get((str(worktree.resolve()), str(self._interpreter(side))))

    @contextmanager
    def extra_process(self, worktree: Path, side: Side | None) -> Iterator[TargetProcess]:
        """A further worker of a worktree, for one run. Raises TargetError where it cannot start."""
        own = self._start((str(worktree.resolve()), str(self._interpreter(side))))
        try:
            yield own
        finally:
            own.close()

    def scorer(self) -> TargetProcess:
        """The worker that has the step file alone."""
        return self._get(("", str(self._interpreter(None))))

    def try_out(self) -> None:
        """Raises TargetError for an interpreter of either side that does not run."""
        for interpreter in {str(self._interpreter(side)) for side in Side}:
            starts(interpreter, self._environment())

    def close(self) -> None:
        """End them all."""
        with self._lock:
            running, self._running = list(self._running.values()), {}
        for process in running:
            process.close()

    def _get(self, site: _Site) -> TargetProcess:
        with self._lock:
            if self._owner != os.getpid():  # forked: the workers belong to the other process
                self._running, self._locks, self._owner = {}, {}, os.getpid()
            lock = self._locks.setdefault(site, threading.Lock())
        with lock:
            known = self._running.get(site)
            if known is None or not (known.alive or known.failed):
                known = self._start(site)
            for process in self._keep(site, known):
                process.close()
        return known

    def _start(self, site: _Site) -> TargetProcess:
        root, interpreter = site
        target = self._place.target
        shown = (self._file.path, *([Path(root)] if root else []), *self._visible())
        place = WorkerPlace(
            interpreter=Path(interpreter),
            environment=self._environment(),
            visible=shown,
            open_network=bool(root) and target.network == "all",
            calls_models=bool(root),
        )
        return TargetProcess(place, self._setup(root), self._most_mb)

    def _visible(self) -> list[Path]:
        """Raises TargetError for a path of 'visible' that is not there."""
        found = []
        for path in self._place.target.visible:
            shown = Path(os.path.normpath(self._place.repository / Path(path).expanduser()))
            if not shown.exists():
                raise TargetError(
                    f"{path!r} of 'visible' in the target's config is not there: {shown} does not"
                    " exist. Paths start at the target's repository."
                )
            found.append(shown)
        return found

    def _keep(self, site: _Site, process: TargetProcess) -> list[TargetProcess]:
        """Put a worker last in the row, and give those that make room."""
        with self._lock:
            self._running.pop(site, None)
            self._running[site] = process
            over = [s for s in self._running if s[0]][:-KEPT]
            return [self._running.pop(s) for s in over if not self._running[s].busy]

    def _setup(self, root: str) -> dict[str, Any]:
        return {
            "mode": self._mode,
            "worktree": root,
            "import_roots": [str(Path(root, r)) for r in self.import_roots] if root else [],
            "packages": list(self.packages) if root else [],
            "preload": [*self._place.target.preload, *self._file.modules] if root else [],
            "sources": list(self._file.sources),
            "step_file": str(self._file.path),
        }

    def _interpreter(self, side: Side | None) -> Path:
        target = self._place.target
        chosen = target.interpreter
        if side is Side.CANDIDATE and target.candidate_interpreter:
            chosen = target.candidate_interpreter
        if not chosen:
            return Path(sys.executable)
        # Not resolved: an environment's python is a link, and knows its packages by its own place.
        return self._place.repository / Path(chosen).expanduser()

    def _environment(self) -> dict[str, str]:
        target = self._place.target
        names = (*PASSED, *target.environment)
        passed = {name: os.environ[name] for name in names if name in os.environ}
        return {**passed, **target.variables}
