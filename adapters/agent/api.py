"""Any model as an agent: one call, its edits in the block that it answers with."""

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from time import monotonic
from typing import Protocol

from prompt_lab.agents.port import AgentJob, AgentResult, Ending
from prompt_lab.agents.refusals import Fault
from prompt_lab.agents.requests import Proposal, parse_proposal, writable
from prompt_lab.analyze.markdown import cut_line
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError
from prompt_lab.ports import Llm, Request
from prompt_lab.propose.budget import plain_path

LONGEST = 240
"""Characters of why a call failed: a server may answer with pages of JSON."""
SYSTEM = "You are a careful engineer. You answer exactly in the form that you are asked for."


class LlmOf(Protocol):
    """Gives the model when it is needed."""

    def __call__(self) -> Llm:
        """The model."""


class ApiAgent:
    """It reads nothing but its prompt, and has no hands: what it wants to write, we write.

    The call's own limit of time is its model's `timeout_seconds`.
    """

    def __init__(self, config: AgentConfig, llm: LlmOf, model: ModelConfig) -> None:
        self._config, self._llm, self._model = config, llm, model

    def check(self) -> str | None:
        """Why its model cannot be used, or None."""
        return self._llm().check()

    def work(self, job: AgentJob) -> AgentResult:
        """One call."""
        started = monotonic()
        try:
            answer = self._llm().ask(
                Request(SYSTEM, job.prompt, max_tokens=self._config.max_tokens)
            )
        except LabError as error:
            seconds = monotonic() - started
            late = seconds > self._config.seconds
            ending = Ending.TIME if late else Ending.FAILED
            cost, why = self._cost(0, 0, ending), cut_line(str(error), LONGEST)
            return AgentResult("", "", ending, why, cost_usd=cost, seconds=seconds)
        text = writable(answer.text)
        ending = Ending.DONE if text.strip() else Ending.FAILED
        ending = Ending.TIME if answer.seconds > self._config.seconds else ending
        result = AgentResult(
            text=text,
            transcript=f"{job.prompt}\n--- answer ---\n{text}\n",
            ending=ending,
            message="" if text.strip() else "its model gave an empty answer",
            cost_usd=self._cost(answer.input_tokens, answer.output_tokens, ending),
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            seconds=answer.seconds,
        )
        proposal = parse_proposal(text)
        if not job.writes or isinstance(proposal, Fault):
            return result
        return replace(result, bad_paths=tuple(_write(job, proposal)))

    def _cost(self, asked: int, answered: int, ending: Ending) -> float:
        """US dollars; NaN where it did not end, reported no tokens, and may cost money."""
        price = self._config.price
        if ending is not Ending.DONE and not asked + answered:
            return 0.0 if (price.is_free if price else self._model.is_free) else nan
        if price is None:
            return self._model.cost(asked, answered)
        return (asked * price.input + answered * price.output) / 1e6


def _write(job: AgentJob, proposal: Proposal) -> Iterator[str]:
    """Write the files that it gives, into the copy and nowhere else; the budget judges them.

    Yields those that cannot be written there: no plain way down, or a folder is in the way.
    """
    root = job.folder.resolve()
    for name, text in proposal.files.items():
        path = job.folder / name
        try:
            if not plain_path(name) or not path.resolve().is_relative_to(root):
                yield name
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        except OSError:  # a folder, a way through a file, a name that is too long
            yield name
