"""When a loop stops: each limit by itself, and in the order in which they are asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.decide.stop import Done, LoopLimits, StopCode, main_score, stop, without_yes
from prompt_lab.names import Outcome


def _done(iteration: int, outcome: Outcome = Outcome.NO, **more: Any) -> Done:
    merged = outcome is Outcome.YES
    facts = {"cost_usd": 0.5, "baseline": 0.4, "candidate": 0.6, **more}
    return Done(iteration=iteration, outcome=outcome, merged=merged, **facts)


MANY = LoopLimits(iterations=99)


def test_without_a_limit_reached_it_goes_on() -> None:
    assert stop(MANY, [_done(1), _done(2)], next_cost=4.0) is None


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        (LoopLimits(iterations=2), StopCode.ITERATIONS, "All 2 iterations made."),
        (LoopLimits(iterations=9, target_score=0.6), StopCode.TARGET_SCORE, "scores 0.60"),
        (LoopLimits(iterations=9, without_yes=1), StopCode.NO_YES, "1 iteration in a row"),
        (LoopLimits(iterations=9, budget_usd=1.0), StopCode.BUDGET, "$1.00 of $1.00 is spent"),
        (LoopLimits(iterations=9, budget_usd=1.2), StopCode.BUDGET, "can take $0.30"),
    ],
)
def test_each_limit_stops_it(limits: LoopLimits, code: StopCode, words: str) -> None:
    done = [_done(1, Outcome.YES), _done(2, baseline=0.6, candidate=0.5)]
    found = stop(limits, done, next_cost=0.3)
    assert found is not None
    assert found.code is code
    assert words in found.text


def test_a_budget_of_nothing_lets_free_models_run() -> None:
    free = [_done(1, cost_usd=0.0)]
    assert stop(LoopLimits(iterations=9, budget_usd=0.0), free, next_cost=0.0) is None
    assert stop(LoopLimits(iterations=9, budget_usd=0.0), free, next_cost=0.01) is not None


def test_main_scores_what_was_merged_or_measured_last() -> None:
    yes = _done(1, Outcome.YES)
    assert main_score([yes]) == 0.6
    assert main_score([yes, _done(2, baseline=0.62, candidate=0.9)]) == 0.62
    assert main_score([yes, _done(2, baseline=None, candidate=None)]) == 0.6
    assert main_score([]) is None


@given(st.lists(st.sampled_from(list(Outcome)), max_size=8), st.floats(0, 5), st.floats(0, 5))
def test_no_iteration_begins_that_could_pass_the_budget(
    outcomes: list[Outcome], budget: float, ahead: float
) -> None:
    done = [_done(n, outcome) for n, outcome in enumerate(outcomes)]
    limits = LoopLimits(iterations=99, budget_usd=budget)
    if stop(limits, done, next_cost=ahead) is None:
        assert 0.5 * len(done) + ahead <= budget


@given(st.lists(st.sampled_from(list(Outcome)), max_size=8))
def test_the_run_without_a_yes_ends_at_the_last_one(outcomes: list[Outcome]) -> None:
    done = [_done(n, outcome) for n, outcome in enumerate(outcomes)]
    count = without_yes(done)
    assert Outcome.YES not in outcomes[len(outcomes) - count :]
    assert count == len(outcomes) or outcomes[-count - 1] is Outcome.YES
