"""What the rules know of a step that runs in a process of its own, and of the calls it makes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from prompt_lab.config.lab import TargetConfig
from prompt_lab.records import CallNote, RunKey


@dataclass(frozen=True)
class ModelUrl:
    """Where a step in a process of its own reaches a model. The URLs stand for one run only.

    `base_url` speaks the dialect of `kind`; `anthropic` and `ollama` are what the clients of these
    vendors take as base URL. None takes a key.
    """

    name: str
    base_url: str
    model: str
    kind: str = "openai"
    anthropic: str = ""
    ollama: str = ""


@dataclass(frozen=True)
class TargetLocation:
    """What a step in a process of its own needs to know of its target.

    `home` is the folder that the step's `file` starts at.
    """

    target: TargetConfig
    repository: Path
    home: Path


@dataclass(frozen=True)
class ProcessFacts:
    """What is known of a step that ran in a process of its own."""

    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Module of the target's packages -> file outside the worktree that it came from; '' where
    the package was never loaded. Not empty: the run is no evidence for the worktree."""
    environment: tuple[str, ...] = ()
    """Names of the environment variables that were passed."""
    python: str = ""
    installed_sha256: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    printed: int = 0
    """Bytes; the beginning and the end are in the run's step.log."""
    killed: int = 0
    """Processes that the step had left running, or that were ended with it."""
    unbound: tuple[str, ...] = ()
    """Limits that this machine cannot enforce, in words."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """What `execute` of the step file returned: perhaps calls, calls_succeeded."""


@dataclass(frozen=True)
class Description:
    """A step as one worktree has it, before anything runs: what its import alone loads.

    `elsewhere`: modules of its packages that came from another place, with their files.
    """

    files: Mapping[str, str]
    elsewhere: Mapping[str, str]
    prompt_sha256: str
    prompt: str
    """The constant that the step file names; '' where it names none."""
    python: str
    installed_sha256: str


@dataclass
class GatewaySession:
    """The way of one run to its models. The calls are there once the line is closed.

    `texts` has a line of JSON for each call: the whole of what was sent and answered, redacted.
    """

    urls: tuple[ModelUrl, ...]
    calls: tuple[CallNote, ...] = ()
    texts: str = ""
    requests: tuple[str, ...] = ()
    """Everything that each call said to a model, in its order, white space folded."""


class ModelGateway(Protocol):
    """Stands between steps in a process of their own and their models; alone it has the keys."""

    def line(
        self, run: RunKey, fallbacks: Sequence[str] = (), *, phase: str = ""
    ) -> AbstractContextManager[GatewaySession]:
        """A line for one run, until the block ends. Each call that run.model does not answer is
        tried on the fallbacks (aliases), one after another. With a `phase` the lab's routing table
        decides call by call which of them may answer. Raises TransientError.
        """

    def close(self) -> None:
        """End it. Calls under way break off."""
