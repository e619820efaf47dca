"""Measure what the calls of one run consume, in our own process or at the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from threading import Lock

from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import Answer, Llm, Request
from prompt_lab.records import CallNote, Usage


@dataclass
class Meter:
    """Counts what the calls of one run consume. Costs are US dollars, times seconds."""

    llm: Llm
    config: ModelConfig
    answers: list[Answer] = field(default_factory=list)
    calls: int = 0
    fallbacks: Mapping[str, ModelConfig] = field(default_factory=dict)
    """Other models that may answer in its place, by alias."""
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def ask(self, request: Request) -> Answer:
        """Pass a request on and record what it consumed."""
        with self._lock:  # a step may ask from several threads
            self.calls += 1
        answer = self.llm.ask(request)
        self.answers.append(answer)
        return answer

    def seconds(self) -> float:
        """Of the calls alone."""
        return sum(a.seconds for a in self.answers)

    def answered_by(self) -> str:
        """The model ids that answered; the configured id if the server names none."""
        answered = {a.answered_by or self.config_of(a.alias).id for a in self.answers}
        return ", ".join(sorted(answered)) or self.config.id

    def usage(self) -> Usage:
        """The sums."""
        answers = self.answers
        costs = [self.config_of(a.alias).cost(a.input_tokens, a.output_tokens) for a in answers]
        return Usage(
            calls=self.calls,
            calls_succeeded=len(answers),
            retries=sum(a.retries for a in answers),
            input_tokens=sum(a.input_tokens for a in answers),
            output_tokens=sum(a.output_tokens for a in answers),
            cost_usd=sum(costs),
            seconds_waited=sum(a.waited for a in answers),
        )

    def config_of(self, alias: str) -> ModelConfig:
        """The model of an alias; the first one if no other one matches."""
        return self.fallbacks.get(alias, self.config)


@dataclass
class GatewayMeter(Meter):
    """The same for a step in a process of its own, as recorded by the gateway."""

    notes: Sequence[CallNote] = ()
    seconds_run: float = 0.0

    def answered_by(self) -> str:
        """The model ids that answered."""
        ids = {note.model_id or note.answered_by for note in self.notes if note.answered_by}
        return ", ".join(sorted(ids)) or self.config.id

    def usage(self) -> Usage:
        """The sums, independent of what the step reports."""
        notes = self.notes
        return Usage(
            calls=len(notes),
            calls_succeeded=sum(bool(note.answered_by) for note in notes),
            retries=sum(note.retries for note in notes),
            input_tokens=sum(note.input_tokens for note in notes),
            output_tokens=sum(note.output_tokens for note in notes),
            cost_usd=fsum(note.cost_usd for note in notes),
            seconds_waited=fsum(note.waited for note in notes),
        )

    def seconds(self) -> float:
        """Usage of the whole run, including the step's own computing time.

        Without what was spent on models that did not answer: it is no time of those that did.
        """
        elsewhere = fsum(note.seconds_elsewhere for note in self.notes)
        return max(0.0, self.seconds_run - elsewhere)
