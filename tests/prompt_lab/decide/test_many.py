"""The fast looks of the simulations against real trials, pair by pair."""

import numpy as np
import pytest
from scipy.stats import skew, ttest_1samp

from prompt_lab.decide.chances import confirm_many, screen_many
from prompt_lab.decide.margin import skew_corrected
from prompt_lab.decide.simulated import SimulatedLab, SimulatedScores, draw_scores
from prompt_lab.decide.verdict import Outcome, Pair, Policy, Trial, screen
from tests.prompt_lab.decide.policies import shipped

TRIALS = 25
LABS = {
    "0/1": SimulatedLab(),
    "graded": SimulatedLab(binary=False),
    "two models": SimulatedLab(models=2),
}


def pairs_of_world(scores: SimulatedScores, world: int, plans: tuple[str, ...]) -> list[Pair]:
    """The world's scores as a lab's pairs: the plan that comes first in the trial is the first."""
    _, _, models, replicates = scores.baseline.shape
    return [
        Pair(
            f"m{model}", plan, replicate,
            float(scores.baseline[world, at, model, replicate]),
            float(scores.candidate[world, at, model, replicate]),
        )
        for at, plan in enumerate(plans)
        for model in range(models)
        for replicate in range(replicates)
    ]  # fmt: skip


def real_trial(scores: SimulatedScores, world: int, policy: Policy) -> tuple[bool, int]:
    """YES or not, and the plans that a real trial took."""
    _, plans, models, replicates = scores.baseline.shape
    whole = policy.model_copy(update={"replicates": replicates})
    trial = Trial(whole, [f"m{m}" for m in range(models)], [f"p{i:03d}" for i in range(plans)])
    known = {pair.cell: pair for pair in pairs_of_world(scores, world, trial.plans)}
    asked = 0
    while batch := trial.next_batch():
        asked += len(batch)
        trial.update(known[cell] for cell in batch)
    assert trial.verdict is not None
    return trial.verdict.outcome is Outcome.YES, asked // (models * replicates)


@pytest.mark.parametrize("name", ["strict", "no-harm"])
@pytest.mark.parametrize("lab", list(LABS))
@pytest.mark.parametrize("effect", [0.0, 0.12])
def test_fast_confirmations_decide_as_real_trials(name: str, lab: str, effect: float) -> None:
    policy, rng = shipped(name), np.random.default_rng(3)
    replicates = policy.replicates_for(binary=LABS[lab].binary, deterministic=False)
    scores = draw_scores(LABS[lab], effect, TRIALS, 60, replicates, rng)
    fast = confirm_many(scores, policy)
    real = [real_trial(scores, world, policy) for world in range(TRIALS)]
    apart = sum(bool(a) != b for a, (b, _) in zip(fast.better, real, strict=True))
    longer = sum(int(a) != b for a, (_, b) in zip(fast.plans, real, strict=True))
    assert apart <= 1
    assert longer <= 2
    assert effect == 0 or fast.better.any()


@pytest.mark.parametrize("name", ["strict", "simpler"])
@pytest.mark.parametrize("lab", list(LABS))
def test_fast_screenings_decide_as_real_ones(name: str, lab: str) -> None:
    policy, rng = shipped(name), np.random.default_rng(4)
    scores = draw_scores(LABS[lab], 0.05, 200, 20, 1, rng)
    plans = tuple(f"p{i:03d}" for i in range(20))
    fast = screen_many(scores, policy)
    real = [screen(pairs_of_world(scores, w, plans), policy).passed for w in range(200)]
    assert sum(bool(a) != b for a, b in zip(fast, real, strict=True)) <= 2
    assert 0.2 < fast.mean() <= 1.0


@pytest.mark.parametrize("binary", [True, False])
def test_simulated_labs_have_the_effect_that_they_name(binary: bool) -> None:
    lab = SimulatedLab(binary=binary, models=2)
    rng = np.random.default_rng(0)
    for effect in (0.0, 0.1):
        scores = draw_scores(lab, effect, 500, 60, 2, rng)
        assert scores.values.mean() == pytest.approx(effect, abs=0.006)
    middle = 0.6 if binary else 0.56
    assert scores.baseline.mean() == pytest.approx(middle, abs=0.02)


def test_the_corrected_t_is_student_s_without_skewness_and_lower_with_a_tail_of_losses() -> None:
    even = np.array([0.3, 0.1, 0.2, 0.4, 0.0] * 8)
    assert skew_corrected(even) == pytest.approx(ttest_1samp(even, 0).statistic)
    tail = np.array([0.1] * 57 + [-0.567] * 3)
    assert skew(tail) < -3
    assert skew_corrected(tail) < 2
    assert ttest_1samp(tail, 0).statistic > 3
    assert skew_corrected(-tail + 0.2) == pytest.approx(ttest_1samp(-tail + 0.2, 0).statistic)
