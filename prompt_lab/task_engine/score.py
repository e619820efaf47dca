"""What the scorer said, as a score: one JSON object with finite numbers, or a fault with a code."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict

from prompt_lab.task_engine.parts import Objective, Parse
from prompt_lab.task_engine.record import AttemptCode

COST = "cost_usd"
"""The metric that says what a scoring cost, in US dollars."""


class Scored(BaseModel):
    """One scoring of one side, in the scorer's own units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float
    metrics: dict[str, float] = {}
    cases: dict[str, float] = {}
    seconds: float = 0.0


class ScoreFault(Exception):
    """The scorer's answer is no score. A fact about one attempt: it becomes its record."""

    def __init__(self, code: AttemptCode, text: str) -> None:
        super().__init__(text)
        self.code = code


def parse_score(text: str, parse: Parse, objective: Objective) -> Scored:
    """The score in the scorer's answer. Raises ScoreFault.

    >>> parse_score('{"score": 0.5, "metrics": {"n": 3}}', Parse(), Objective()).metrics
    {'n': 3.0}
    """
    answer = _object(text)
    if parse.score_field not in answer:
        raise ScoreFault(AttemptCode.SCORE_MISSING, f"the answer has no {parse.score_field!r}")
    score = _number(parse.score_field, answer[parse.score_field])
    _in_range(parse.score_field, score, objective)
    cases = _numbers(answer, parse.cases_field) if parse.cases_field else {}
    if parse.cases_field and not cases:
        raise ScoreFault(AttemptCode.SCORE_MISSING, f"the answer has no {parse.cases_field!r}")
    for name, value in cases.items():
        _in_range(name, value, objective)
    return Scored(score=score, metrics=_numbers(answer, parse.metrics_field), cases=cases)


def _object(text: str) -> Mapping[str, Any]:
    if not text.strip():
        raise ScoreFault(AttemptCode.SCORE_MISSING, "the scorer said nothing")
    if text.startswith("\ufeff"):
        raise ScoreFault(AttemptCode.SCORE_UNREADABLE, "the answer begins with a byte order mark")
    try:
        answer = json.loads(
            text, parse_constant=_not_finite, object_pairs_hook=_reject_duplicate_keys
        )
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ScoreFault(
            AttemptCode.SCORE_UNREADABLE, f"the answer is not one JSON: {why}"
        ) from error
    if not isinstance(answer, dict):
        raise ScoreFault(AttemptCode.SCORE_UNREADABLE, "the answer is no JSON object")
    return answer


def _not_finite(word: str) -> NoReturn:
    raise ScoreFault(AttemptCode.SCORE_NOT_FINITE, f"the answer holds {word}")


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _numbers(answer: Mapping[str, Any], field: str) -> dict[str, float]:
    found = answer.get(field, {})
    if not isinstance(found, dict):
        raise ScoreFault(AttemptCode.SCORE_UNREADABLE, f"{field!r} is no object of numbers")
    return {name: _number(f"{field}.{name}", value) for name, value in found.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScoreFault(AttemptCode.SCORE_UNREADABLE, f"{name!r} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ScoreFault(AttemptCode.SCORE_NOT_FINITE, f"{name!r} is not finite")
    return number


def _in_range(name: str, value: float, objective: Objective) -> None:
    low = -math.inf if objective.low is None else objective.low
    high = math.inf if objective.high is None else objective.high
    if not low <= value <= high:
        text = f"{name!r} is {value:g}, which is not between {low:g} and {high:g}"
        raise ScoreFault(AttemptCode.SCORE_OUT_OF_RANGE, text)
