"""The sandbox of a worker: its worktree to read, its models to call, and nothing else of ours."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from adapters.sandbox import inside
from adapters.sandbox.bubblewrap import describe_waiver
from adapters.sandbox.launch import LaunchedCommand, launch
from adapters.sandbox.network import Address, granted_network
from adapters.sandbox.policy import INSIDE, ProcessLimits, SandboxMount, SandboxPolicy, show
from adapters.sandbox.view import interpreter_folders
from prompt_lab.own_process import ModelUrl

MODULE = "step.worker.loop"
GATEWAY_PORT = 8471
"""Where a step finds its models on the loopback of its sandbox."""
SCRATCH_MB = 4096
MOST_PROCESSES = 4096
"""Of all plans of a worker together; each plan has a limit of its own (`LimitsConfig`)."""
WORKER = Path(__file__).parent / "worker"
OUR_CODE = (Path(inside.__path__[0]), WORKER)
"""The folders of what runs in the target's process."""


@dataclass(frozen=True)
class WorkerPlace:
    """What a worker is given: absolute paths; `network` as of SandboxPolicy without the models."""

    interpreter: Path
    environment: Mapping[str, str]
    visible: tuple[Path, ...]
    open_network: bool = False
    calls_models: bool = True


class ModelAddress:
    """Where the models of a worker's runs are now; the sandbox leads one fixed port there."""

    def __init__(self) -> None:
        self._address: Address | None = None

    def rewrite(self, model: ModelUrl) -> ModelUrl:
        """The model as the sandbox sees it; from now on that port leads to this one."""
        parts = urlsplit(model.base_url)
        if describe_waiver() or parts.hostname is None:
            return model
        self._address = parts.hostname, parts.port or 80
        inside_url = f"127.0.0.1:{GATEWAY_PORT}"
        urls = {
            name: getattr(model, name).replace(parts.netloc, inside_url, 1)
            for name in ("base_url", "anthropic", "ollama")
        }
        return replace(model, **urls)

    def lookup(self, asked: Address) -> Address:
        """Raises ConnectionRefusedError where no run has a model yet."""
        if self._address is None:
            raise ConnectionRefusedError(f"no model stands behind {asked}")
        return self._address


@contextmanager
def started_worker(
    place: WorkerPlace, models: ModelAddress, fds: Sequence[int]
) -> Iterator[LaunchedCommand]:
    """Start a worker that reads messages from the first descriptor and writes to the second.

    Raises SandboxUnavailable, TransientError, OSError where the interpreter cannot be started.
    """
    waived = bool(describe_waiver())
    with TemporaryDirectory(prefix="prompt-lab-", ignore_cleanup_errors=True) as scratch:
        policy = _policy(place, scratch if waived else "/tmp")
        interpreter = str(place.interpreter)
        code = Path(__file__).parent.parent if waived else INSIDE / "code"
        start = code / "sandbox" / "inside" / "start.py"
        words = [interpreter, "-I", "-B", str(start), MODULE, *map(str, fds)]
        with granted_network(policy, interpreter, models.lookup) as network:
            mounts = dict.fromkeys((*policy.mounts, *network.mounts))
            granted = replace(policy, mounts=tuple(mounts))
            cwd = Path(scratch) if waived else Path("/tmp")
            command = [*network.words, *words]
            # The kernel ends a sandbox with the thread that started it: not one that may go.
            starter = _starter(os.getpid())
            yield starter.submit(launch, granted, command, cwd, pass_fds=tuple(fds)).result()


def _policy(place: WorkerPlace, home: str) -> SandboxPolicy:
    code = [SandboxMount(path, INSIDE / "code" / _relative(path)) for path in OUR_CODE]
    models = (("127.0.0.1", GATEWAY_PORT),) if place.calls_models else ()
    return SandboxPolicy(
        limits=ProcessLimits(
            float("inf"), file_mb=SCRATCH_MB, processes=MOST_PROCESSES, memory_mb=0
        ),
        mounts=(*show(*interpreter_folders(place.interpreter), *place.visible), *code),
        network=None if place.open_network else models,
        environment={"HOME": home, **place.environment},
    )


def _relative(path: Path) -> Path:
    return path.relative_to(Path(__file__).parent.parent)


@lru_cache(maxsize=1)
def _starter(_pid: int) -> ThreadPoolExecutor:
    """One thread that stays as long as this process; a fork has its own."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="prompt-lab-starter")
