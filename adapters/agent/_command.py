"""What every agent shares that is a command: started in a sandbox, watched, read line by line."""

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from adapters.sandbox.bubblewrap import describe_refusal
from adapters.sandbox.policy import ProcessLimits, SandboxPolicy, show, show_writable
from adapters.sandbox.processes import ProcessResult, run
from adapters.sandbox.view import interpreter_folders
from prompt_lab.agents.port import AgentJob, AgentResult, Ending
from prompt_lab.config.agents import AgentConfig

PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Variables that every agent is given, where they are set."""
LONGEST = 2000
"""Characters of what a command says when it fails."""
MOST_TOKENS = 10**12
_STOPPED = {
    "time": Ending.TIME,
    "output": Ending.OUTPUT,
    "watch": Ending.COST,
    "memory": Ending.MEMORY,
    "processes": Ending.PROCESSES,
}


@dataclass
class AgentOutput:
    """What the events of a command have reported so far. `cost` None: it reports tokens only."""

    text: str = ""
    fault: str = ""
    ended: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    doubt: bool = False  # an event reported an impossible number of tokens or dollars


def parse_token_count(value: object) -> int:
    """A number of tokens; none reported is 0. Raises ValueError for what cannot be one."""
    if value is None:
        return 0
    if not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        raise ValueError(f"{value!r} is no number of tokens")
    return int(value)


class CommandAgent(ABC):
    """ports.Agent for a command that prints a JSON event on each line."""

    COMMAND: ClassVar[str]
    BASE_URL: ClassVar[str]

    def __init__(self, config: AgentConfig) -> None:
        self._config = config

    def check(self) -> str | None:
        """Why it cannot be used, or None."""
        if refusal := describe_refusal("An agent is"):
            return refusal
        command = self._command()[0]
        if shutil.which(command) is None:
            return f"the command {command!r} is not installed, or not on the PATH"
        key = self._config.key_env
        if key and not os.environ.get(key):
            return f"its key is missing: set {key}"
        missing = [name for name in self._config.environment if name not in os.environ]
        return f"the variable {missing[0]} is not set" if missing else None

    def work(self, job: AgentJob) -> AgentResult:
        """Start it in the copy, wait for its end, read what it reported."""
        heard = AgentOutput()
        ended = run(
            [*self._command(), *self.arguments(job)],
            self._sandbox_policy(job),
            job.folder,
            job.prompt.encode(),
            watch=lambda line: self._listen(line, heard),
        )
        return self._result(ended, heard)

    @abstractmethod
    def arguments(self, job: AgentJob) -> Sequence[str]:
        """What follows the command."""

    @abstractmethod
    def environment(self, job: AgentJob) -> Mapping[str, str]:
        """Variables of its own kind, the key and the address of its model among them."""

    @abstractmethod
    def read_event(self, event: Mapping[str, Any], heard: AgentOutput) -> None:
        """Take over what one event reports."""

    @property
    def key(self) -> str:
        """The one key that it is given; '' where it needs none."""
        return os.environ.get(self._config.key_env, "") if self._config.key_env else ""

    @property
    def base_url(self) -> str:
        """Where its model is."""
        return self._config.base_url or self.BASE_URL

    def cost(self, heard: AgentOutput) -> float:
        """US dollars so far: by the configured price, else what the command says; NaN: unknown."""
        price, tokens = self._config.price, heard.input_tokens + heard.output_tokens
        if heard.doubt:
            return nan
        if price is None:
            return heard.cost if heard.cost is not None else (nan if tokens else 0.0)
        return (heard.input_tokens * price.input + heard.output_tokens * price.output) / 1e6

    def _at_most(self, heard: AgentOutput) -> float:
        """US dollars of work that did not come to its end; of one that reported nothing: NaN."""
        price, cost = self._config.price, self.cost(heard)
        told = heard.input_tokens + heard.output_tokens > 0 or heard.cost is not None
        return cost if told or (price is not None and price.is_free) else nan

    def _command(self) -> tuple[str, ...]:
        return self._config.command or (self.COMMAND,)

    def _command_environment(self, job: AgentJob) -> dict[str, str]:
        names = (*PASSED, *self._config.environment)
        passed = {n: os.environ[n] for n in names if n in os.environ}
        home = str(job.home)
        return {**passed, "HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1"}

    def _listen(self, line: bytes, heard: AgentOutput) -> bool:
        """Hear one line; whether it has cost too much."""
        if not line.startswith(b"{"):
            return False
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # what is no event reports nothing
            return False
        try:
            self.read_event(event, heard)
        except (ValueError, TypeError, AttributeError):
            heard.doubt = True
        return not heard.ended and self.cost(heard) > self._config.cost_usd

    def _sandbox_policy(self, job: AgentJob) -> SandboxPolicy:
        """The copy, its own home, the command's files; of the network its model only."""
        ours = (job.folder, job.home) if job.writes else (job.home,)
        shown = [*_installation_folders(self._command()), *map(Path, self._config.visible)]
        shown += [*interpreter_folders(Path(sys.executable))] + ([] if job.writes else [job.folder])
        return SandboxPolicy(
            limits=ProcessLimits(
                self._config.seconds,
                memory_mb=self._config.memory_mb,
                processes=self._config.processes,
            ),
            mounts=(*show(*dict.fromkeys(p for p in shown if p.exists())), *show_writable(*ours)),
            hidden=job.hidden,
            network=tuple(dict.fromkeys(self._addresses())),
            environment={**self._command_environment(job), **self.environment(job)},
        )

    def _addresses(self) -> Iterator[tuple[str, int]]:
        url = urlsplit(self.base_url)
        yield url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        for address in self._config.reach:
            host, _, port = address.rpartition(":")
            yield host, int(port)

    def _result(self, ended: ProcessResult, heard: AgentOutput) -> AgentResult:
        err = ended.err.decode("utf-8", "replace")
        out = ended.out.decode("utf-8", "replace")
        ending = _STOPPED.get(ended.stopped, Ending.DONE)
        message = ""
        if ending is Ending.DONE and (ended.code or heard.fault or not heard.ended):
            said = heard.fault or err.strip()[-LONGEST:] or out.strip()[-LONGEST:]
            said = said or "it printed nothing"
            ending, message = Ending.FAILED, f"exit code {ended.code}: {said}"
        return AgentResult(
            text=heard.text,
            transcript=out + (f"\n--- standard error ---\n{err}" if err else ""),
            ending=ending,
            message=message,
            cost_usd=self.cost(heard) if ending is Ending.DONE else self._at_most(heard),
            input_tokens=heard.input_tokens,
            output_tokens=heard.output_tokens,
            seconds=ended.seconds,
            unbound=ended.unenforced,
        )


def _installation_folders(command: Sequence[str]) -> Iterator[Path]:
    """The folders that a command is made of: where it lies, its package, its interpreter."""
    for word in (*command, "node"):
        found = shutil.which(word)
        for path in (Path(found), Path(found).resolve()) if found else ():
            modules = [parent for parent in path.parents if parent.name == "node_modules"]
            yield modules[-1] if modules else path.parent
            if path.parent.name == "bin" and not modules:
                yield path.parent.parent / "lib"
