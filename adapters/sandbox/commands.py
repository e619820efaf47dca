"""Commands of a task, seen from the engine; a supervisor starts, bounds and ends them."""

import json
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from adapters import bounds
from adapters.isolation.jail import HIDDEN, SCRATCH
from prompt_lab.errors import TransientError
from prompt_lab.ports import Bounds, CommandFolder, CommandResult

START = Path(bounds.__path__[0]) / "start.py"
SERVES = "sandbox.supervisor.loop"


@dataclass
class CommandSupervisor:
    """The process that starts commands, for one engine. Not for several threads at once."""

    _process: "subprocess.Popen[bytes] | None" = None
    _owner: int = 0
    _close: Any = field(default=None, repr=False)

    def run(
        self,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        place: CommandFolder,
        limits: Bounds,
    ) -> CommandResult:
        """Run one command to its end. Raises TransientError where the sandbox itself fails."""
        job = self._job(place, limits)
        start = (place.at if place.jail else place.tree) / cwd
        job |= {"command": list(command), "cwd": str(start), "environment": dict(environment)}
        reply = self._ask(job)
        if reply["failed"]:
            raise TransientError(f"the sandbox failed: {reply['failed']}")
        return CommandResult(
            code=None if reply["reason"] else reply["exit"],
            reason=reply["reason"],
            out=reply["out"],
            err=reply["err"],
            seconds=reply["seconds"],
            printed=reply["printed"],
            left=reply["left"],
            unbound=tuple(reply["unbound"]),
        )

    @cached_property
    def no_jail(self) -> str:
        """Why this machine allows no jail; '' where it does."""
        if sys.platform != "linux":
            return "isolation needs Linux"
        place = CommandFolder(Path("/"), Path("/"), jail=True)
        job = self._job(place, Bounds(10, 64, 8, 1, 1)) | {"probe": True}
        job["jail"] |= {"writable": [[str(START.parent)] * 2]}
        failed: str = self._ask(job)["failed"]
        return failed

    def close(self) -> None:
        """End it, with all that it runs; a further command starts another one."""
        if self._close is not None:
            self._close()
        self._process = None

    def _job(self, place: CommandFolder, limits: Bounds) -> dict[str, Any]:
        bounds = asdict(limits) | {"address_mb": limits.memory_mb}
        bounds["tree_bytes"] = place.tree_bytes + (limits.file_mb << 20)
        jail = None
        if place.jail:
            hidden, shown = _view(place.at)
            jail = {
                "hidden": hidden,
                "shown": shown,
                "writable": [[str(place.tree), str(place.at)]],
                "network": place.network,
                "hosts": "",
                "scratch_mb": limits.file_mb,
                "whole": True,
            }
        return {"limits": bounds, "jail": jail, "tree": str(place.tree)}

    def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        process = self._ensure_started()
        if process.stdin is None or process.stdout is None:
            raise TransientError("the sandbox's supervisor has no pipes")
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError as error:
            raise TransientError(f"the sandbox's supervisor has ended: {error.strerror}") from error
        if not line:
            self.close()
            raise TransientError("the sandbox's supervisor has ended; run the same command again")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _ensure_started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._owner == os.getpid():
            return self._process
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(START), SERVES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        self._owner = os.getpid()
        self._close = weakref.finalize(self, _finish, self._process, self._owner)
        return self._process


def _view(at: Path) -> tuple[list[str], list[str]]:
    """(folders that a jail hides beside its own, paths in hidden ones that it shows)."""
    home = str(Path.home())
    hidden = [home] if home != "/" else []
    needed = {sys.prefix, sys.base_prefix, *_links(Path(sys.executable))}
    covered = (*SCRATCH, *HIDDEN, *hidden, str(at))
    shown = [p for p in sorted(needed) if any(Path(p).is_relative_to(h) for h in covered)]
    return hidden, [
        p for p in shown if not any(p != o and Path(p).is_relative_to(o) for o in shown)
    ]


def _links(path: Path) -> list[str]:
    """The folders that lead from an interpreter's link to its file."""
    found = []
    for _ in range(8):
        if not path.is_symlink():
            break
        path = path.parent / os.readlink(path)
        found.append(os.path.normpath(path.parent.parent))
    return found


def _finish(process: "subprocess.Popen[bytes]", owner: int) -> None:
    """Close its input, upon which it ends itself and its command; kill it if it does not."""
    if os.getpid() != owner:
        return  # a fork of ours holds the same pipes, but not the process
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
