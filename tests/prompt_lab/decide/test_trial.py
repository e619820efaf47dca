import numpy as np
import pytest

from prompt_lab.decide.looks import design, run_looks
from prompt_lab.decide.replay import Stored, changes, replay
from prompt_lab.decide.verdict import Code, Evidence, Pair, Policy, Trial, decide
from prompt_lab.errors import LabError
from tests.prompt_lab.decide.making import coin_pairs, pairs_of

POLICY = Policy(max_plans=100)


def world(gain, seed=1, **shape):
    pairs = coin_pairs(100, gain, seed=seed, **shape)
    return {pair.cell: pair for pair in pairs}


def run(trial, answers):
    looks = []
    while batch := trial.next_batch():
        looks.append(len(batch))
        trial.update(answers[cell] for cell in batch)
    return looks


def names(answers):
    return sorted({c.model for c in answers}), sorted({c.plan for c in answers})


def test_a_large_gain_stops_early_and_says_what_it_saved():
    answers = world(0.4)
    trial = Trial(POLICY, *names(answers))
    looks = run(trial, answers)
    assert len(looks) < 5
    assert set(looks) == {20}
    assert trial.verdict.outcome == "YES"
    assert trial.verdict.look == len(looks)
    assert trial.verdict.calls == 2 * sum(looks) < trial.verdict.calls_planned == 200
    assert 0 < trial.verdict.claimed < trial.verdict.effect


def test_no_gain_stops_as_futile():
    answers = world(-0.1)
    trial = Trial(POLICY, *names(answers))
    assert len(run(trial, answers)) < 5
    assert trial.verdict.reasons[0].code in {Code.FUTILE, Code.WORSE}


@pytest.mark.parametrize("mode", ["sequential", "fixed", "anytime"])
@pytest.mark.parametrize("gain", [0.0, 0.1, 0.35])
def test_a_trial_built_anew_from_all_pairs_stands_where_it_stood(mode, gain):
    answers = world(gain, models=2, replicates=2)
    policy = POLICY.model_copy(update={"mode": mode, "replicates": 2})
    trial = Trial(policy, *names(answers))
    run(trial, answers)
    again = Trial(policy, *reversed_names(answers))
    again.update(reversed(list(trial._pairs.values())))
    assert again.verdict == trial.verdict
    assert again.next_batch() == []
    whole = Trial(policy, *names(answers))
    assert whole.update(answers.values()) == trial.verdict


def reversed_names(answers):
    models, plans = names(answers)
    return models[::-1], plans[::-1]


def test_a_fixed_trial_equals_decide():
    answers = world(0.15)
    trial = Trial(POLICY.model_copy(update={"mode": "fixed"}), *names(answers))
    run(trial, answers)
    alone = decide(list(answers.values()), POLICY)
    assert (trial.verdict.p_value, trial.verdict.outcome) == (alone.p_value, alone.outcome)


def test_a_trial_takes_the_looks_that_the_calibration_measures():
    for seed in range(8):
        answers = world(0.12, seed=seed)
        trial = Trial(POLICY, *names(answers))
        run(trial, answers)
        values = [answers["m0", plan, 0] for plan in trial.plans]
        stop = run_looks(
            np.array([p.candidate - p.baseline for p in values]), design(100, POLICY), POLICY
        )
        assert (trial.verdict.look, trial.verdict.p_value) == (stop.look, stop.p_better)


def test_a_missing_side_counts_as_delivered():
    answers = world(0.4)
    lost = {c: Pair(*c, None, p.candidate) if i % 10 == 0 else p
            for i, (c, p) in enumerate(answers.items())}  # fmt: skip
    trial = Trial(POLICY, *names(answers))
    run(trial, lost)
    assert trial.verdict.outcome == "YES"
    assert trial.verdict.n_missing > 0


def test_a_pair_nobody_asked_for_is_refused():
    trial = Trial(POLICY, ["m"], ["a", "b"])
    with pytest.raises(LabError, match="never asks for"):
        trial.update([Pair("m", "c", 0, 0.1, 0.2)])


def test_half_a_batch_is_no_look():
    answers = world(0.4)
    trial = Trial(POLICY, *names(answers))
    batch = trial.next_batch()
    assert trial.update(answers[c] for c in batch[:-1]) is None
    assert trial.next_batch() == batch[-1:]


def test_few_plans_are_one_look():
    assert design(5, POLICY).counts == (5,)
    assert design(20, POLICY).counts == (8, 12, 16, 20)


def test_a_trial_without_plans_is_invalid():
    trial = Trial(POLICY, ["m"], [])
    assert trial.next_batch() == []
    assert trial.update([]).outcome == "INVALID"


def test_verify_pairs_come_after_the_looks():
    answers = world(0.4)
    trial = Trial(POLICY.model_copy(update={"verify": "required"}), *names(answers))
    run(trial, answers)
    assert trial.verdict.needs_verify
    calls = trial.verdict.calls
    evidence = Evidence(verify_pairs=tuple(pairs_of([0.3] * 8, prefix="verify")))
    final = trial.conclude_with(evidence)
    assert (final.outcome, final.calls) == ("YES", calls)


def test_replay_is_bit_identical_and_another_policy_lists_what_changes():
    answers = world(0.22, seed=4)
    trial = Trial(POLICY, *names(answers))
    run(trial, answers)
    stored = Stored(iteration=7, policy=POLICY, models=("m0",), plans=tuple(names(answers)[1]),
                    pairs=tuple(trial._pairs.values()))  # fmt: skip
    back = Stored.model_validate_json(stored.model_dump_json())
    assert replay(back).model_dump_json() == trial.verdict.model_dump_json()
    assert changes([back], POLICY) == []
    strict = POLICY.model_copy(update={"verify": "required"})
    assert [(c.iteration, c.before, c.after) for c in changes([back], strict)] == [
        (7, "YES", "CONDITIONAL")
    ]
