import json

import numpy as np
import pytest

from prompt_lab.decide.looks import design, run_looks
from prompt_lab.decide.policy import Mode
from prompt_lab.decide.replay import Stored, changes, replay
from prompt_lab.decide.verdict import Code, Evidence, Pair, Policy, RunCell, Trial, Verdict, decide
from prompt_lab.errors import LabError
from tests.prompt_lab.decide.making import coin_pairs, pairs_of

POLICY = Policy(max_plans=100)
Answers = dict[RunCell, Pair]


def world(gain: float, seed: int = 1, models: int = 1, replicates: int = 1) -> Answers:
    pairs = coin_pairs(100, gain, models=models, replicates=replicates, seed=seed)
    return {pair.cell: pair for pair in pairs}


def run(trial: Trial, answers: Answers) -> list[int]:
    looks = []
    while batch := trial.next_batch():
        looks.append(len(batch))
        trial.update(answers[cell] for cell in batch)
    return looks


def ended(trial: Trial) -> Verdict:
    assert trial.verdict is not None
    return trial.verdict


def names(answers: Answers) -> tuple[list[str], list[str]]:
    return sorted({c.model for c in answers}), sorted({c.plan for c in answers})


def test_a_large_gain_stops_early_and_says_what_it_saved() -> None:
    answers = world(0.4)
    trial = Trial(POLICY, *names(answers))
    looks = run(trial, answers)
    assert len(looks) < 5
    assert set(looks) == {20}
    assert ended(trial).outcome == "YES"
    assert ended(trial).look == len(looks)
    assert ended(trial).calls == 2 * sum(looks) < ended(trial).calls_planned == 200
    assert 0 < (ended(trial).claimed or 0) < (ended(trial).effect or 0)


def test_no_gain_stops_as_futile() -> None:
    answers = world(-0.1)
    trial = Trial(POLICY, *names(answers))
    assert len(run(trial, answers)) < 5
    assert ended(trial).reasons[0].code in {Code.FUTILE, Code.WORSE}


@pytest.mark.parametrize("mode", ["sequential", "fixed", "anytime"])
@pytest.mark.parametrize("gain", [0.0, 0.1, 0.35])
def test_a_trial_built_anew_from_all_pairs_stands_where_it_stood(mode: Mode, gain: float) -> None:
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


def reversed_names(answers: Answers) -> tuple[list[str], list[str]]:
    models, plans = names(answers)
    return models[::-1], plans[::-1]


def test_a_fixed_trial_equals_decide() -> None:
    answers = world(0.15)
    trial = Trial(POLICY.model_copy(update={"mode": "fixed"}), *names(answers))
    run(trial, answers)
    alone = decide(list(answers.values()), POLICY)
    assert (ended(trial).p_value, ended(trial).outcome) == (alone.p_value, alone.outcome)


def test_a_trial_takes_the_looks_that_the_calibration_measures() -> None:
    for seed in range(8):
        answers = world(0.12, seed=seed)
        trial = Trial(POLICY, *names(answers))
        run(trial, answers)
        ordered = [answers[RunCell("m0", plan, 0)] for plan in trial.plans]
        values = np.array([(p.candidate or 0.0) - (p.baseline or 0.0) for p in ordered])
        stop = run_looks(values, design(100, POLICY), POLICY)
        assert (ended(trial).look, ended(trial).p_value) == (stop.look, stop.p_better)


def test_a_missing_side_counts_as_delivered() -> None:
    answers = world(0.4)
    lost = {c: Pair(*c, None, p.candidate) if i % 10 == 0 else p
            for i, (c, p) in enumerate(answers.items())}  # fmt: skip
    trial = Trial(POLICY, *names(answers))
    run(trial, lost)
    assert ended(trial).outcome == "YES"
    assert ended(trial).n_missing > 0


def test_a_pair_nobody_asked_for_is_refused() -> None:
    trial = Trial(POLICY, ["m"], ["a", "b"])
    with pytest.raises(LabError, match="never asks for"):
        trial.update([Pair("m", "c", 0, 0.1, 0.2)])


def test_half_a_batch_is_no_look() -> None:
    answers = world(0.4)
    trial = Trial(POLICY, *names(answers))
    batch = trial.next_batch()
    assert trial.update(answers[c] for c in batch[:-1]) is None
    assert trial.next_batch() == batch[-1:]


def test_few_plans_are_one_look() -> None:
    assert design(5, POLICY).counts == (5,)
    assert design(20, POLICY).counts == (8, 12, 16, 20)


def test_a_trial_without_plans_is_invalid() -> None:
    trial = Trial(POLICY, ["m"], [])
    assert trial.next_batch() == []
    trial.update([])
    assert ended(trial).outcome == "INVALID"


def test_verify_pairs_come_after_the_looks() -> None:
    answers = world(0.4)
    trial = Trial(POLICY.model_copy(update={"verify": "required"}), *names(answers))
    run(trial, answers)
    assert ended(trial).needs_verify
    calls = ended(trial).calls
    evidence = Evidence(verify_pairs=tuple(pairs_of([0.3] * 8, prefix="verify")))
    final = trial.conclude_with(evidence)
    assert (final.outcome, final.calls) == ("YES", calls)


def test_a_stored_verdict_without_a_rule_version_replays_under_the_first_rule() -> None:
    """One +1 and 19 ties, then 40 plans of +.45: the first rule's lattice rounds those to 0."""
    policy = Policy(max_plans=60, looks=3, futility=0, rule_version=1)
    trial = Trial(policy, ["m"], [f"plan {i:02d}" for i in range(60)])
    gains = [1.0] + [0.0] * 19 + [0.45] * 40
    pairs = [Pair("m", p, 0, 0.0, g) for p, g in zip(trial.plans, gains, strict=True)]
    trial.update(pairs)
    stored = Stored(policy=policy, models=("m",), plans=trial.plans, pairs=tuple(pairs))
    old = json.loads(stored.model_dump_json())
    del old["policy"]["rule_version"]
    again = replay(Stored.model_validate_json(json.dumps(old)))
    assert again is not None
    assert again == ended(trial)
    assert (again.outcome, again.p_value, again.rule_version) == ("NO", 0.5, 1)
    now = replay(stored, policy.model_copy(update={"rule_version": 2}))
    assert now is not None
    assert now.outcome == "YES"


def test_replay_is_bit_identical_and_another_policy_lists_what_changes() -> None:
    answers = world(0.22, seed=4)
    trial = Trial(POLICY, *names(answers))
    run(trial, answers)
    stored = Stored(iteration=7, policy=POLICY, models=("m0",), plans=tuple(names(answers)[1]),
                    pairs=tuple(trial._pairs.values()))  # fmt: skip
    back = Stored.model_validate_json(stored.model_dump_json())
    again = replay(back)
    assert again is not None
    assert again.model_dump_json() == ended(trial).model_dump_json()
    assert changes([back], POLICY) == []
    strict = POLICY.model_copy(update={"verify": "required"})
    assert [(c.iteration, c.before, c.after) for c in changes([back], strict)] == [
        (7, "YES", "CONDITIONAL")
    ]
