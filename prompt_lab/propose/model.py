"""What a strategy is given, what it makes, and what every proposal must keep."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from prompt_lab.evaluate.schema import properties
from prompt_lab.names import Split
from prompt_lab.prompts.text import placeholders, split
from prompt_lab.propose.sections import halves, one_line
from prompt_lab.records import PlanText, RunRecord


@dataclass(frozen=True)
class Material:
    """What a proposal is made from. `plans` are train plans: no strategy ever sees verify."""

    step: str
    prompt: str
    schema: Mapping[str, Any] | None
    plans: Sequence[PlanText]
    failing: Sequence[str] = ()
    """Names of plans that go wrong now, the worst first."""
    known: Sequence[str] = ()
    """What the lab knows to go wrong in this step, a sentence each, with evidence."""


@dataclass(frozen=True)
class Draft:
    """A new prompt text and why. `plans` are the train plans whose texts it shows the model."""

    text: str
    title: str
    description: str
    strategy: str
    plans: tuple[str, ...] = ()


class Strategy(Protocol):
    """One way to change a prompt; equal material gives an equal draft."""

    @property
    def name(self) -> str:
        """What records call it."""

    def applies(self, material: Material) -> str | None:
        """Why it has nothing to propose, or None where it has."""

    def propose(self, material: Material) -> Draft:
        """The change. Raises ValueError with the reason where it does not apply."""


class Rewrite(ABC):
    """A strategy whose one attempt is a draft, or in words why there is none."""

    name: ClassVar[str]

    @abstractmethod
    def attempt(self, material: Material) -> Draft | str:
        """The draft, or why there is none."""

    def applies(self, material: Material) -> str | None:
        """Why it has nothing to propose, or None where it has."""
        outcome = self._check_rewrite(material)
        return outcome if isinstance(outcome, str) else None

    def propose(self, material: Material) -> Draft:
        """The change. Raises ValueError with the reason where it does not apply."""
        outcome = self._check_rewrite(material)
        if isinstance(outcome, str):
            raise ValueError(f"{self.name!r} does not apply: {outcome}")
        return outcome

    def _check_rewrite(self, material: Material) -> Draft | str:
        outcome = self.attempt(material)
        if isinstance(outcome, str):
            return outcome
        return flaw(material.prompt, outcome.text, material.schema) or outcome


def flaw(old: str, new: str, schema: Mapping[str, Any] | None) -> str | None:
    """What a rewrite breaks that no rewrite may touch, or None.

    Placeholders (none lost, none added), the text from `[user]` on, and the names of the fields.

    >>> flaw("Read {note}.", "Read.", None)
    'it would change the placeholders'
    """
    if all(map(_reads_equal, split(old), split(new))):
        return "it would change nothing but white space"
    if placeholders(old) != placeholders(new):
        return "it would change the placeholders"
    if halves(old).user != halves(new).user:
        return "it would change the user part"
    lost = [name for name in properties(schema or {}) if name in old and name not in new]
    return f"it would lose the field name {lost[0]!r}" if lost else None


def _reads_equal(old: str, new: str) -> bool:
    return one_line(old) == one_line(new)


def failing_plans(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Train plans whose mean primary score is below 1, worst first, then by name.

    The caller picks the runs: those of the side that is the baseline now.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if record.split is Split.TRAIN:
            scores[record.plan].append(record.primary)
    means = {plan: sum(of) / len(of) for plan, of in scores.items()}
    return tuple(sorted((p for p, mean in means.items() if mean < 1), key=lambda p: (means[p], p)))
