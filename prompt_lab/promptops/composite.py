"""The composite score of an answer, and of a set of answers with its interval.

Parts of one answer, each in [0, 1]: parse validity, schema compliance, grounding, citations,
success, an llm_judge's preference, latency. A part that a call does not have is left out; the
composite is the weighted mean of the others. A set passes only with enough calls and by the lower
end of its interval: an empty one never does.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from prompt_lab.config.promptops import PromptOpsConfig, ScoreWeights
from prompt_lab.decide.anytime import confidence
from prompt_lab.evaluate.answers import parse_answer
from prompt_lab.evaluate.schema import Schema, first_fault
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.expectations import (
    Expectation,
    measure_citations,
    measure_grounding,
    measure_success,
)
from prompt_lab.promptops.question_plans import EXPECTED_FILE, read_expectation
from prompt_lab.records import RunError

COMPOSITE: Final = "composite"
PARTS: Final[dict[str, str]] = {
    "parse_validity": "parse_validity",
    "schema_compliance": "schema_compliance",
    "grounding": "grounding",
    "citations": "grounding",
    "success": "success",
    "judge": "judge",
    "latency": "latency",
}
"""Part -> the weight of ScoreWeights that it has; grounding and citations share one in halves."""


class PartReport(NamedTuple):
    """Mean of one part over the calls that have it, with the limits of its interval."""

    mean: float
    low: float
    high: float
    calls: int


class CompositeReport(NamedTuple):
    """The composite score of a set of calls and every part of it.

    `composite` is None for an empty set. `reasons` are the codes why the set cannot pass whatever
    its score: 'empty', 'too_little_support'.
    """

    composite: PartReport | None
    parts: dict[str, PartReport]
    calls: int
    units: int
    reasons: tuple[str, ...]


class ScoredCall(NamedTuple):
    """The parts of one call, `composite` among them, and the unit that it belongs to."""

    parts: Mapping[str, float]
    unit: str = ""


def score_answer(
    gold: dict[str, Any] | str | None, answer: dict[str, Any] | str
) -> dict[str, float]:
    """A scorer for `score:` of a step: parts and `composite` against a question plan's gold.

    An empty answer has 0 in each part. The weights are the default ones. Raises StoreError where
    the gold is no expectation.
    """
    expected = read_expectation(gold, EXPECTED_FILE)
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    if not answer:
        text = ""
    return combine(measure_parts(text, expected), ScoreWeights())


def measure_parts(
    answer: str,
    expected: Expectation,
    *,
    schema: Schema | None = None,
    needs_json: bool = False,
    latency_ms: float | None = None,
    latency_budget_ms: float = 0.0,
    judge: float | None = None,
) -> dict[str, float]:
    """Every part that can be measured of an answer; their names depend on the arguments alone.

    `needs_json` (or a schema): the answer must be one JSON object. `judge` is the share of
    comparisons that an llm_judge, checked for agreement, gave to this answer.
    """
    text = answer.strip()
    parts: dict[str, float | None] = {"parse_validity": float(bool(text))}
    if needs_json or schema is not None:
        value = parse_answer(text, None, extract=schema is None)
        is_object = not isinstance(value, RunError)
        parts["parse_validity"] = float(is_object)
        if schema is not None:
            parts["schema_compliance"] = float(is_object and not first_fault(value, schema))
    parts["grounding"] = measure_grounding(text, expected.sources, expected.question)
    if expected.require_citations:
        parts["citations"] = measure_citations(text, expected.sources)
    parts["success"] = measure_success(text, expected)
    parts["judge"] = judge
    parts["latency"] = score_latency(latency_ms, latency_budget_ms)
    return {name: value for name, value in parts.items() if value is not None}


def score_latency(latency_ms: float | None, budget_ms: float) -> float | None:
    """1 within the budget, then budget / latency; None where either is unknown.

    >>> score_latency(500, 1000), score_latency(4000, 1000), score_latency(None, 1000)
    (1.0, 0.25, None)
    """
    if latency_ms is None or budget_ms <= 0:
        return None
    return 1.0 if latency_ms <= budget_ms else budget_ms / latency_ms


def combine(parts: Mapping[str, float], weights: ScoreWeights) -> dict[str, float]:
    """The parts and their weighted mean `composite`; 0 where no part has any weight.

    >>> combine({"success": 1.0, "parse_validity": 0.0}, ScoreWeights(success=3))["composite"]
    0.75
    """
    total = held = 0.0
    shared = {"grounding", "citations"} <= parts.keys()
    for name, value in parts.items():
        weight = getattr(weights, PARTS[name])
        if shared and PARTS[name] == "grounding":
            weight /= 2
        total, held = total + weight, held + weight * value
    return {**parts, COMPOSITE: held / total if total else 0.0}


def score_outcome(outcome: CallOutcome, config: PromptOpsConfig) -> dict[str, float]:
    """Parts and composite of a call of production, from what its row says."""
    expected = Expectation.model_validate(
        {**outcome.expected, "sources": outcome.sources, "question": outcome.question}
    )
    parts: dict[str, float] = {}
    if outcome.answer:
        parts = measure_parts(outcome.answer, expected)
    stated = {
        "parse_validity": outcome.parsed,
        "schema_compliance": outcome.schema_ok,
        "grounding": outcome.grounding,
        "success": outcome.succeeded,
        "latency": score_latency(outcome.latency_ms, config.latency_budget_ms),
    }
    parts |= {name: float(value) for name, value in stated.items() if value is not None}
    if outcome.error:
        parts |= {"parse_validity": 0.0, "success": 0.0}
    return combine(parts, config.weights)


def score_set(
    calls: Iterable[ScoredCall], config: PromptOpsConfig, *, level: float = 0.05
) -> CompositeReport:
    """The scores of a set: means with intervals that hold at 1 - level however often one looks.

    Calls of one unit count as one value, their mean; calls without a unit are units of their own.
    The support is the number of units.
    """
    given = list(calls)
    names = [name for name in PARTS if any(name in call.parts for call in given)]
    reports = {name: _report(given, name, level) for name in (*names, COMPOSITE)}
    units = len(_unit_means(given, COMPOSITE))
    reasons: tuple[str, ...] = ()
    if not units:
        reasons = ("empty",)
    elif units < config.least_support:
        reasons = ("too_little_support",)
    whole = reports.pop(COMPOSITE)
    parts = {name: report for name, report in reports.items() if report is not None}
    return CompositeReport(whole, parts, len(given), units, reasons)


def why_not_passed(report: CompositeReport, threshold: float) -> tuple[str, ...]:
    """Codes why a set does not reach a quality threshold; () where it does, by its lower limit."""
    if report.reasons or report.composite is None:
        return report.reasons or ("empty",)
    return () if report.composite.low >= threshold else ("below_threshold",)


def _unit_means(calls: Sequence[ScoredCall], name: str) -> list[float]:
    values: dict[str, list[float]] = {}
    for at, call in enumerate(calls):
        if name in call.parts:
            values.setdefault(call.unit or f"\0{at}", []).append(call.parts[name])
    return [sum(found) / len(found) for found in values.values()]


def _report(calls: Sequence[ScoredCall], name: str, level: float) -> PartReport | None:
    means = _unit_means(calls, name)
    if not means:
        return None
    # The interval is one of means in [-1, 1].
    limits = confidence(2 * np.asarray(means) - 1, level)
    low, high = ((one + 1) / 2 for one in (limits.low, limits.high))
    mean = sum(means) / len(means)
    return PartReport(mean, min(low, mean), max(high, mean), len(means))
