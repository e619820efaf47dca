"""What a command of others may see, write, reach and take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INSIDE = Path("/run/prompt-lab")
"""Where the sandbox shows our own code and the sockets of the network that is granted."""


@dataclass(frozen=True)
class ProcessLimits:
    """Seconds for the command with all its children; bytes for each of its two outputs.

    Of each output `kept` bytes of the beginning and of the end are kept; 0: all. Memory of all its
    processes together (0: any), and how many there may be, threads included. `file_mb` is for one
    file, and for each folder of temporary files. `address_mb`: of each process; 0: any.
    """

    seconds: float
    output: int = 16 << 20
    kept: int = 0
    memory_mb: int = 4096
    processes: int = 512
    file_mb: int = 512
    address_mb: int = 0


@dataclass(frozen=True)
class SandboxMount:
    """A file or folder of this machine that a command sees; `at` None: at its own path.

    `changes` and `scratch`: the source stays as it is, and what the command changes lies in the one
    (overlayfs); the other is the kernel's.
    """

    source: Path
    at: Path | None = None
    writable: bool = False
    changes: Path | None = None
    scratch: Path | None = None

    @property
    def place(self) -> Path:
        """Where the command sees it."""
        return self.at or self.source


@dataclass(frozen=True)
class SandboxPolicy:
    """What a command may see, write, reach and take. Paths are absolute.

    It sees the machine's programs (`adapters/sandbox/view.py`) and `mounts`; of these not what is
    `hidden`, but for a mount that lies in it. `network`: None is the whole network, else the (host,
    port) pairs that alone can be reached. `environment` is all that it gets.
    """

    limits: ProcessLimits
    mounts: tuple[SandboxMount, ...] = ()
    hidden: tuple[Path, ...] = ()
    network: tuple[tuple[str, int], ...] | None = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def show(*paths: Path) -> tuple[SandboxMount, ...]:
    """Each path as it lies, read-only."""
    return tuple(SandboxMount(path) for path in paths)


def show_writable(*paths: Path) -> tuple[SandboxMount, ...]:
    """Each path as it lies, to be written."""
    return tuple(SandboxMount(path, writable=True) for path in paths)
