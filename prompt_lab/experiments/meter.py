"""What the calls of one run consume, as our own process or the gateway saw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

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

    def ask(self, request: Request) -> Answer:
        """Pass a request on and note what it took."""
        self.calls += 1
        answer = self.llm.ask(request)
        self.answers.append(answer)
        return answer

    def seconds(self) -> float:
        """Of the calls alone."""
        return sum(a.seconds for a in self.answers)

    def answered_by(self) -> str:
        """The model ids that answered; the configured one where the server does not say."""
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
        """The model that an alias stands for; the first one where it is none of the others."""
        return self.fallbacks.get(alias, self.config)


@dataclass
class GatewayMeter(Meter):
    """The same of a step that asks its models in a process of its own, as the gateway saw it."""

    notes: Sequence[CallNote] = ()
    seconds_run: float = 0.0

    def answered_by(self) -> str:
        """The model ids that answered."""
        ids = {note.model_id or note.answered_by for note in self.notes if note.answered_by}
        return ", ".join(sorted(ids)) or self.config.id

    def usage(self) -> Usage:
        """The sums, whatever the step itself says of them."""
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
        """Of the whole run: what the step itself computes is part of it."""
        return self.seconds_run
