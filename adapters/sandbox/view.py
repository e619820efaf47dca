"""What of a machine every sandbox shows: programs, libraries and a few settings, read-only."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
SETTINGS = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version",
    "fonts", "gai.conf", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "locale.alias", "localtime", "magic", "mime.types", "nsswitch.conf",
    "os-release", "passwd", "perl", "pki/ca-trust", "pki/tls/certs", "protocols", "resolv.conf",
    "services", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
)  # fmt: skip
"""Of /etc. None of them holds a secret: as root a command reads whatever root owns."""
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")


def interpreter_folders(interpreter: Path) -> tuple[Path, ...]:
    """The folders that a Python is made of: its environment, and where its links lead.

    >>> Path(sys.base_prefix) in interpreter_folders(Path(sys.executable))
    True
    """
    found = dict.fromkeys(_prefixes(interpreter))
    if interpreter == Path(sys.executable):
        found |= dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix)))
    own = [path for path in found if not _is_program(path)]
    return tuple(p for p in own if not any(p != other and p.is_relative_to(other) for other in own))


def _prefixes(path: Path) -> Iterator[Path]:
    """From an interpreter's link to its file, the folder above each one's `bin`."""
    for _ in range(8):
        if path.parent.name == "bin":
            yield path.parent.parent
            yield from _home(path.parent.parent / "pyvenv.cfg")
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / os.readlink(path)))


def _home(config: Path) -> Iterator[Path]:
    """The prefix that a virtual environment was made from."""
    try:
        lines = config.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        key, _, value = line.partition("=")
        if key.strip() == "home" and Path(value.strip()).name == "bin":
            yield Path(value.strip()).parent


def _is_program(path: Path) -> bool:
    return path == Path("/") or any(path.is_relative_to(place) for place in PROGRAMS)
