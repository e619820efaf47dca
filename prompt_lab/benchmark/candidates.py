"""What a cycle may change: one setting of the model at a time, and successive halving."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from math import ceil, log2

from pydantic import Field

from prompt_lab.benchmark.harness_config import ModelTuning
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ConfigError
from prompt_lab.records import Record

TEMPERATURES = (0.0, 0.3, 0.7)
MAX_TOKENS = (32, 128)
TIMEOUT_FACTORS = (2.0, 0.5)
RETRIES = (8, 1)
IN_PROCESS = ("embedded", "scripted")
"""Providers whose calls cross no network: another number of retries changes nothing there."""


class HarnessCandidate(Record):
    """One change of one setting."""

    name: str = Field(description="kind=value")
    kind: str = Field(description="temperature, max_tokens, timeout, retries, warm_up or model")
    value: float | str | bool

    def alias_for(self, model: str) -> str:
        """The alias of the model with this change."""
        return str(self.value) if self.kind == "model" else f"{model}+{self.name}"


def propose_candidates(
    model: ModelConfig, others: Sequence[str], *, warm_up_on: bool
) -> list[HarnessCandidate]:
    """Every change of one setting that is not the baseline's own.

    The first value of each kind comes before the second of any, so that a cycle of few candidates
    tries different things. A warm-up is proposed where its cold starts can be made.
    """
    own = model.settings
    kinds = [
        [_candidate("temperature", value) for value in TEMPERATURES if value != own.temperature],
        [_candidate("max_tokens", value) for value in MAX_TOKENS if value != own.max_tokens],
        [_candidate("timeout", model.timeout_seconds * factor) for factor in TIMEOUT_FACTORS],
        [_candidate("retries", value) for value in RETRIES if value != model.retries],
        [HarnessCandidate(name="warm_up=on", kind="warm_up", value=True)],
        [
            HarnessCandidate(name=f"model={name}", kind="model", value=name)
            for name in others
            if name != model.alias
        ],
    ]
    if model.provider in IN_PROCESS:
        kinds[3] = []
    if warm_up_on or model.provider != "embedded":
        kinds[4] = []
    return [one for one in chain.from_iterable(zip_longest(*kinds)) if one is not None]


def choose_untried(
    pool: Sequence[HarnessCandidate], tried: Mapping[str, int], most: int
) -> list[HarnessCandidate]:
    """Those that were tried least often (`tried`: name -> how often), in the pool's order."""
    return sorted(pool, key=lambda one: tried.get(one.name, 0))[:most]


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
    elif candidate.kind == "retries":
        update["retries"] = int(float(candidate.value))
    elif candidate.kind not in ("warm_up", "model"):
        raise ConfigError([f"candidate {candidate.name!r}: unknown kind {candidate.kind!r}"])
    return model.model_copy(update=update)


def describe_tuning(base: ModelConfig, winner: ModelConfig, verdict: str) -> ModelTuning:
    """The winner as the configuration holds it: all that another lab needs to make it again."""
    if winner.alias.startswith(f"{base.alias}+"):
        return ModelTuning(
            model=winner.alias,
            base=base.alias,
            settings=winner.settings,
            timeout_seconds=winner.timeout_seconds,
            retries=winner.retries,
            verdict=verdict,
        )
    return ModelTuning(model=winner.alias, verdict=verdict)


def apply_tuning(models: Mapping[str, ModelConfig], tuning: ModelTuning) -> ModelConfig:
    """The model that a tuning describes. Raises ConfigError where its base is no model."""
    known = models.get(tuning.model)
    if known is not None:
        same = tuning.settings in (None, known.settings)
        if not same:
            raise ConfigError(
                [
                    f"tuning of {tuning.model!r}: its settings are not those that the verdict is"
                    f" about ({tuning.verdict}): put them back, or name another alias"
                ]
            )
        return known
    base = models.get(tuning.base)
    if base is None:
        raise ConfigError(
            [f"tuning: {tuning.base or tuning.model!r} is no model of configs/models"]
        )
    settings = tuning.settings or base.settings
    update = {
        "alias": tuning.model,
        "short": "",
        "settings": settings,
        "timeout_seconds": tuning.timeout_seconds or base.timeout_seconds,
        "retries": base.retries if tuning.retries is None else tuning.retries,
        "deterministic": base.deterministic and not settings.temperature,
    }
    return base.model_copy(update=update)


def split_rounds(plans: Sequence[str], candidates: int) -> list[tuple[str, ...]]:
    """The plans of each round of successive halving: new ones each time, none twice.

    >>> split_rounds(["a", "b", "c", "d", "e"], 4)
    [('a', 'c', 'e'), ('b', 'd')]
    >>> split_rounds(["a", "b"], 1)
    []
    """
    rounds = min(ceil(log2(max(candidates, 1))), len(plans))
    return [tuple(plans[number::rounds]) for number in range(rounds)]


def keep_better_half(left: Sequence[str], answers: Mapping[str, Sequence[bool]]) -> list[str]:
    """The better half by the accuracy over all rounds so far; the order breaks ties.

    It only selects: what wins is tested on other plans, since the winner of a selection looks
    better than it is.
    """

    def accuracy(name: str) -> float:
        seen = answers.get(name, ())
        return sum(seen) / len(seen) if seen else 0.0

    ranked = sorted(left, key=lambda name: (-accuracy(name), left.index(name)))
    return ranked[: max(1, len(ranked) // 2)]
