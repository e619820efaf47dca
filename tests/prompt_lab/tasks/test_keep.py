"""The keep rule: exact scorers, replicates and cases by the engine of verdicts, bounds."""

from random import Random
from typing import Any

import pytest

from prompt_lab.names import Outcome
from prompt_lab.task_engine.keep import AttemptDecision, Scores, next_replicates, ruling
from prompt_lab.task_engine.record import AttemptCode, AttemptStatus
from prompt_lab.task_engine.schema import Task
from prompt_lab.task_engine.score import Scored


def _task(**more: Any) -> Task:
    return Task.model_validate({"id": "a", "artifacts": ["a"], "scorer": {"command": "s"}, **more})


def _shown(mode: str, replicates: int, **more: Any) -> Task:
    return _task(
        policy={"mode": mode, "replicates": replicates},
        objective={"low": 0, "high": 10, **more},
    )


def _scores(*values: float, **metrics: float) -> Scores:
    return {r: Scored(score=value, metrics=metrics) for r, value in enumerate(values)}


def _end(found: AttemptDecision) -> tuple[AttemptStatus, AttemptCode]:
    return found.status, found.code


@pytest.mark.parametrize(
    ("baseline", "candidate", "code"),
    [
        ((3, 3), (4, 4), AttemptCode.BETTER),
        ((3, 3), (3,), AttemptCode.NOT_BETTER),
        ((3, 3), (2,), AttemptCode.NOT_BETTER),
        ((3, 2), (9,), AttemptCode.NOISY),
        ((3, 3), (9, 4), AttemptCode.NOISY),
        ((3, 3), (3.5, 3.5), AttemptCode.GAIN_TOO_SMALL),
        ((), (4,), AttemptCode.NO_BASELINE),
    ],
)
def test_exact(
    baseline: tuple[float, ...], candidate: tuple[float, ...], code: AttemptCode
) -> None:
    task = _task(objective={"minimum_gain": 1})
    found = ruling(task, _scores(*baseline), _scores(*candidate))
    keeps = code in (AttemptCode.BETTER, AttemptCode.NO_BASELINE)
    assert _end(found) == (AttemptStatus.KEEP if keeps else AttemptStatus.DISCARD, code)


def test_exact_scores_a_better_candidate_twice_and_a_worse_one_once() -> None:
    task, baseline = _task(), _scores(3, 3)
    assert next_replicates(task, baseline, {}) == [0]
    assert next_replicates(task, baseline, _scores(2)) == []
    assert next_replicates(task, baseline, _scores(4)) == [1]
    assert next_replicates(task, baseline, _scores(4, 4)) == []


def test_less_is_better_where_the_task_says_so() -> None:
    task = _task(objective={"direction": "minimize"})
    assert ruling(task, _scores(5, 5), _scores(4, 4)).gain == 1
    assert _end(ruling(task, _scores(5, 5), _scores(6))) == (
        AttemptStatus.DISCARD,
        AttemptCode.NOT_BETTER,
    )


@pytest.mark.parametrize("mode", ["fixed", "sequential", "anytime"])
def test_a_clear_gain_over_replicates_is_shown_and_a_small_one_is_not(mode: str) -> None:
    task, rng = _shown(mode, 30), Random(7)
    noise = [rng.uniform(-1, 1) for _ in range(60)]
    baseline = _scores(*[4 + one for one in noise[:30]])
    better = _scores(*[8 + one for one in noise[30:]])
    found = ruling(task, baseline, better)
    assert _end(found) == (AttemptStatus.KEEP, AttemptCode.BETTER)
    assert found.verdict is not None
    assert found.verdict.outcome is Outcome.YES
    alike = _scores(*[4.01 + one for one in reversed(noise[:30])])
    assert _end(ruling(task, baseline, alike)) == (AttemptStatus.DISCARD, AttemptCode.NOT_SHOWN)


def test_sequential_asks_look_by_look_and_stops_early() -> None:
    task, asked = _shown("sequential", 40), []
    baseline: dict[int, Scored] = {}
    candidate: dict[int, Scored] = {}
    while wanted := next_replicates(task, baseline, candidate):
        asked.append(len(wanted))
        baseline |= {r: Scored(score=2 + r % 3 / 10) for r in wanted}
        candidate |= {r: Scored(score=9 - r % 4 / 10) for r in wanted}
    assert 5 <= sum(asked) < 40
    assert _end(ruling(task, baseline, candidate)) == (AttemptStatus.KEEP, AttemptCode.BETTER)


def test_less_is_better_by_the_engine_of_verdicts_too() -> None:
    task = _shown("fixed", 8, direction="minimize")
    low, high = _scores(*[2 + r / 10 for r in range(8)]), _scores(*[8 - r / 10 for r in range(8)])
    assert _end(ruling(task, high, low)) == (AttemptStatus.KEEP, AttemptCode.BETTER)
    assert _end(ruling(task, low, high)) == (AttemptStatus.DISCARD, AttemptCode.NOT_BETTER)


def test_cases_are_what_the_verdict_counts() -> None:
    task = _task(
        scorer={"command": "s", "parse": {"cases_field": "cases"}},
        policy={"mode": "fixed"}, objective={"low": 0, "high": 1},
    )  # fmt: skip
    names = [f"case {number}" for number in range(8)]
    old = {0: Scored(score=0.2, cases={name: 0.2 for name in names})}
    new = {0: Scored(score=0.8, cases={name: 0.8 for name in names})}
    assert next_replicates(task, old, {}) == [0]
    assert next_replicates(task, old, new) == []
    found = ruling(task, old, new)
    assert found.verdict is not None
    assert (found.status, found.verdict.n_plans) == (AttemptStatus.KEEP, 8)
    lucky = {0: Scored(score=0.9, cases={**dict.fromkeys(names, 0.2), "case 1": 0.9})}
    assert ruling(task, old, lucky).code is AttemptCode.NOT_SHOWN


def test_a_shown_gain_below_the_least_one_is_no_keep() -> None:
    task = _shown("fixed", 8, minimum_gain=5)
    baseline, candidate = _scores(*[2.0] * 8), _scores(*[4.0 + r / 100 for r in range(8)])
    assert ruling(task, baseline, candidate).code is AttemptCode.GAIN_TOO_SMALL


def test_a_bound_holds_before_any_gain() -> None:
    task = _task(constraints={"late": {"max": 2}, "served": {"min": 5}})
    found = ruling(task, _scores(1, 1), _scores(9, 9, late=3, served=1))
    assert found.code is AttemptCode.CONSTRAINT
    assert "'late' is 3" in found.detail
    assert "'served' is 1" in found.detail
    assert ruling(task, _scores(1, 1), _scores(9, 9, late=2, served=5)).code is AttemptCode.BETTER
    assert ruling(task, {}, _scores(9, served=5)).code is AttemptCode.CONSTRAINT


def test_without_a_baseline_the_policy_rules() -> None:
    task = _task(policy={"without_baseline": "discard"})
    assert _end(ruling(task, {}, _scores(9))) == (AttemptStatus.DISCARD, AttemptCode.NO_BASELINE)


def test_the_least_gain_is_enough_whatever_floats_make_of_it() -> None:
    task = _task(objective={"minimum_gain": 0.1})
    assert 0.3 - 0.2 < 0.1
    assert _end(ruling(task, _scores(0.2, 0.2), _scores(0.3, 0.3))) == (
        AttemptStatus.KEEP,
        AttemptCode.BETTER,
    )
    short = ruling(task, _scores(0.2, 0.2), _scores(0.2999999, 0.2999999))
    assert short.code is AttemptCode.GAIN_TOO_SMALL
