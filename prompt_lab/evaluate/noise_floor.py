"""What a batch would cost in calls, money and time, from the runs that were made before."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from statistics import fmean
from typing import Any, NamedTuple

from pydantic import Field

from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.limits import plans_needed
from prompt_lab.decide.noise import NoiseFloorEstimate, Score, noise_floor
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import Rates, TrialPrice, price
from prompt_lab.evaluate.answered import explain_error, has_answer
from prompt_lab.records import VERSION, Record, RunRow

WORST_DEVIATION = 0.5
"""Standard deviation of plan differences when half of the plans flip their 0/1 score."""


MOST_CHARACTERS = 300
"""Of a vendor's words that are kept."""


class FloorRequest(Record):
    """What was measured: a noise floor holds for this and nothing else."""

    step: str
    commit: str
    models: tuple[str, ...]
    plans: tuple[str, ...]
    replicates: int


class ModelFloor(Record):
    """One model: how much it differs from itself, and what a run of it takes."""

    model: str
    runs: int
    answers: int | None = Field(
        default=None,
        description="runs with an answer, which all figures rest on; None in older records",
    )
    why_unanswered: str = Field(default="", description="of the first run without an answer")
    mean: float = Field(description="mean score")
    deviation: float = Field(description="of repeated runs of one plan, pooled over the plans")
    flaky: int = Field(description="plans on which some runs passed and some failed")
    seconds: float = Field(description="per run, divided by the model's workers")
    cost_usd: float = Field(description="per run")


class FloorRecord(Record):
    """lab/noise_floor/<step>.json."""

    version: int = VERSION
    created: str
    asked: FloorRequest
    floor: NoiseFloorEstimate
    by_model: tuple[ModelFloor, ...]

    @property
    def has_answers(self) -> bool:
        """Whether every model has answered. In older records only a score above 0 shows it."""
        return all(m.mean > 0 if m.answers is None else m.answers > 0 for m in self.by_model)

    @property
    def answers(self) -> tuple[int, int]:
        """(runs with an answer, runs that were asked for); older records count every run."""
        asked = len(self.asked.models) * len(self.asked.plans) * self.asked.replicates
        return sum(m.runs if m.answers is None else m.answers for m in self.by_model), asked

    @property
    def rates(self) -> Rates:
        """Per run, over all models; the models work side by side, so the slowest sets the time."""
        models = max(len(self.by_model), 1)
        slowest = max((m.seconds for m in self.by_model), default=0.0)
        return Rates(fmean([m.cost_usd for m in self.by_model] or [0.0]), slowest / models)


class Need(Record):
    """What showing a gain takes, in one look at the policy's alpha and power."""

    gain: float
    plans_by_noise: int = Field(description="if the gain were the same on every plan")
    plans: int = Field(description="if the gain comes as whole answers set right")
    plans_at_worst: int = Field(description="if the change also flips half of all plans")
    price: TrialPrice = Field(description="of `plans`")


def floor_of(
    rows: Sequence[RunRow], asked: FloorRequest, models: Mapping[str, ModelConfig], *, now: str
) -> FloorRecord:
    """Measure the noise in these runs of the baseline.

    A bad answer scores 0, as in a trial; a run without an answer counts as missing.
    """
    scores = [
        Score(r.model, r.plan, r.replicate, r.primary if has_answer(r) else None)
        for r in (row.record for row in rows)
    ]
    floor = noise_floor(scores)
    by_model = tuple(_by_model(alias, rows, floor, models[alias].workers) for alias in asked.models)
    return FloorRecord(created=now, asked=asked, floor=floor, by_model=by_model)


def need(record: FloorRecord, gain: float, policy: Policy) -> Need:
    """How many plans show this gain, and their price with one replicate.

    A gain that comes as whole answers set right spreads the plans by itself: a share `gain` of
    them moves by 1 and the others do not.
    """
    noise = record.floor.plan_deviation
    spreads = (noise, sqrt(noise**2 + gain * (1 - gain)), max(noise, WORST_DEVIATION))
    level, power = policy.alpha, policy.power
    counts = [plans_needed(max(spread, 1e-9), gain, level, power) for spread in spreads]
    cells = len(record.asked.models)
    cost = price(counts[1], cells, record.rates)
    return Need(
        gain=gain,
        plans_by_noise=counts[0],
        plans=counts[1],
        plans_at_worst=max(counts[1:]),
        price=cost,
    )


def in_calls(cost: TrialPrice) -> str:
    """A price as calls, money and time.

    >>> in_calls(TrialPrice(200, 800, 1.2, 5400.0))
    '800 calls, $1.20, 1.5 h'
    """
    seconds = cost.seconds or 0.0
    time = f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{ceil(seconds / 60)} min"
    return f"{cost.calls} calls, ${cost.dollars or 0:.2f}, {time}"


def _by_model(
    alias: str, rows: Sequence[RunRow], floor: NoiseFloorEstimate, workers: int
) -> ModelFloor:
    runs = [row.record for row in rows if row.record.model == alias]
    mine = [record for record in runs if has_answer(record)]
    lost = [row for row in rows if row.record.model == alias and not has_answer(row.record)]
    spreads = [s for s in floor.spreads if s.model == alias]
    free = sum(max(s.runs - 1, 0) for s in spreads)
    pooled = sum(s.deviation**2 * max(s.runs - 1, 0) for s in spreads)
    return ModelFloor(
        model=alias,
        runs=len(runs),
        answers=len(mine),
        why_unanswered=explain_error(lost[0])[:MOST_CHARACTERS] if lost else "",
        mean=fmean([r.primary for r in mine] or [0.0]),
        deviation=sqrt(pooled / free) if free else 0.0,
        flaky=sum(s.flaky for s in spreads),
        seconds=fmean([r.duration_seconds for r in mine] or [0.0]) / workers,
        cost_usd=fmean([r.usage.cost_usd for r in mine] or [0.0]),
    )


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
