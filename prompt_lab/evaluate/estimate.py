"""What a batch would cost in calls, money and time, from the runs that were made before."""

from collections.abc import Sequence
from math import ceil
from statistics import fmean
from typing import Any, NamedTuple

from prompt_lab.config.models import ModelConfig

GUESSED_SECONDS = 2.0
GUESSED_OUTPUT_TOKENS = 60
CHARACTERS_PER_TOKEN = 4


class Estimate(NamedTuple):
    """One model's share. Seconds are wall time at its `workers`; money is US dollars."""

    model: str
    calls: int
    reused: int
    seconds: float
    cost_usd: float
    measured: bool


def estimate(
    model: ModelConfig, calls: int, reused: int, *, past: Sequence[dict[str, Any]], characters: int
) -> Estimate:
    """By the mean of this model's past runs of the step; without any, by a stated guess.

    `characters` is the mean length of prompt, schema and input together.
    """
    if past:
        seconds = fmean(row["seconds"] for row in past)
        given = fmean(row["input_tokens"] for row in past)
        got = fmean(row["output_tokens"] for row in past)
    else:
        seconds, got = GUESSED_SECONDS, float(GUESSED_OUTPUT_TOKENS)
        given = characters / CHARACTERS_PER_TOKEN
    return Estimate(
        model=model.alias,
        calls=calls,
        reused=reused,
        seconds=ceil(calls / model.workers) * seconds,
        cost_usd=calls * model.cost(ceil(given), ceil(got)),
        measured=bool(past),
    )
