"""What a cycle may change: one setting of the model at a time, and successive halving."""

from collections.abc import Callable, Sequence
from statistics import fmean

from pydantic import Field

from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ConfigError
from prompt_lab.records import Record

TEMPERATURES = (0.0, 0.3, 0.7)
MAX_TOKENS = (32, 128)
TIMEOUT_FACTORS = (0.5, 2.0)


class HarnessCandidate(Record):
    """One change of one setting."""

    name: str = Field(description="kind=value")
    kind: str = Field(description="temperature, max_tokens, timeout, warm_up or model")
    value: float | str | bool

    def alias_for(self, model: str) -> str:
        """The alias of the model with this change."""
        return str(self.value) if self.kind == "model" else f"{model}+{self.name}"


def propose_candidates(
    model: ModelConfig, others: Sequence[str], *, warm_up_on: bool
) -> list[HarnessCandidate]:
    """Every change of one setting that is not the baseline's own, in a fixed order."""
    found = [
        _candidate("temperature", value)
        for value in TEMPERATURES
        if value != model.settings.temperature
    ]
    found += [
        _candidate("max_tokens", value)
        for value in MAX_TOKENS
        if value != model.settings.max_tokens
    ]
    found += [_candidate("timeout", model.timeout_seconds * factor) for factor in TIMEOUT_FACTORS]
    if not warm_up_on:
        found.append(HarnessCandidate(name="warm_up=on", kind="warm_up", value=True))
    found += [
        HarnessCandidate(name=f"model={name}", kind="model", value=name)
        for name in others
        if name != model.alias
    ]
    return found


def _candidate(kind: str, value: float) -> HarnessCandidate:
    return HarnessCandidate(name=f"{kind}={value:g}", kind=kind, value=value)


def apply_candidate(model: ModelConfig, candidate: HarnessCandidate) -> ModelConfig:
    """The model with the change, under an alias of its own. Raises ConfigError."""
    alias, settings = candidate.alias_for(model.alias), model.settings
    update: dict[str, object] = {"alias": alias, "short": ""}
    if candidate.kind == "temperature":
        temperature = float(candidate.value)
        changed = {"temperature": temperature, "seeded": temperature > 0}
        update["settings"] = settings.model_copy(update=changed)
        update["deterministic"] = model.deterministic and temperature == 0
    elif candidate.kind == "max_tokens":
        update["settings"] = settings.model_copy(update={"max_tokens": int(float(candidate.value))})
    elif candidate.kind == "timeout":
        update["timeout_seconds"] = float(candidate.value)
    elif candidate.kind not in ("warm_up", "model"):
        raise ConfigError([f"candidate {candidate.name!r}: unknown kind {candidate.kind!r}"])
    return model.model_copy(update=update)


def halve(
    names: Sequence[str], score: Callable[[str, int], Sequence[float]], rounds: int
) -> list[str]:
    """Successive halving: the better half goes on, with one more round of answers each time.

    `score(name, round)` gives the answers of one round. It only selects: what wins is tested on
    other answers, since the winner of a selection looks better than it is.
    """
    left, seen = list(names), {name: list[float]() for name in names}
    for number in range(rounds):
        if len(left) <= 1:
            break
        for name in left:
            seen[name] += score(name, number)
        ranked = sorted(left, key=lambda one: (-fmean(seen[one]), names.index(one)))
        left = ranked[: max(1, len(ranked) // 2)]
    return left
