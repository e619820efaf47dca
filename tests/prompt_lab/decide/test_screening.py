"""Screening, race, and what may be shown while the plans are sealed."""

import pytest

from prompt_lab.decide.verdict import (
    Code,
    Evidence,
    Outcome,
    Pair,
    Screening,
    Trial,
    Verdict,
    best_of,
    fewest_sealed_plans,
    needs_verify_plans,
    screen,
    screened_out,
    sealed_view,
)
from tests.prompt_lab.decide.making import pairs_of
from tests.prompt_lab.decide.policies import shipped

STRICT = shipped("strict")
GAIN = pairs_of([0.2, 0.1, 0.3, -0.1, 0.2, 0.1, 0.2, 0.05, 0.1, 0.2])


def confirmed(differences: list[float], screening: Screening, name: str = "strict") -> Verdict:
    pairs = pairs_of(differences, prefix="sealed")
    policy = shipped(name)
    trial = Trial(policy, ["m"], [p.plan for p in pairs], Evidence(screening=screening))
    known = {pair.cell: pair for pair in pairs}
    while batch := trial.next_batch():
        trial.update(known[cell] for cell in batch)
    assert trial.verdict is not None
    return trial.verdict


def test_a_gain_on_train_goes_on_and_a_loss_does_not() -> None:
    seen = screen(GAIN, STRICT)
    assert seen.passed
    assert seen.effect == pytest.approx(0.135)
    assert seen.reason.code is Code.SCREENED
    assert (seen.n_plans, seen.models[0].plans) == (10, 10)
    lost = screen([Pair(*p.cell, p.candidate, p.baseline) for p in GAIN], STRICT)
    assert not lost.passed
    assert lost.reason.code is Code.SCREENED_OUT


def test_a_small_trend_is_screened_by_its_p_value() -> None:
    pairs = pairs_of([0.1, -0.1, 0.1, -0.1, 0.1, -0.05])
    assert screen(pairs, STRICT).p_value > STRICT.screen_level
    assert not screen(pairs, STRICT).passed
    assert screen(pairs, STRICT.model_copy(update={"screen_level": 0.6})).passed


def test_nothing_to_screen_goes_nowhere() -> None:
    seen = screen([Pair("m", "p", 0, None, None)], STRICT)
    assert (seen.passed, seen.effect, seen.interval) == (False, None, None)
    assert screened_out(seen, STRICT).outcome is Outcome.NO


def test_where_a_saving_is_wanted_no_gain_is_asked_for() -> None:
    equal = pairs_of([0.02, -0.02, 0.01, -0.01, 0.0, 0.01, -0.02, 0.01, -0.01])
    assert screen(equal, shipped("simpler")).passed
    assert not screen(equal, STRICT).passed


def test_the_race_confirms_the_largest_gain_that_passed() -> None:
    small, large = screen(GAIN, STRICT), screen(pairs_of([0.3] * 8), STRICT)
    out = screen(pairs_of([-0.3] * 8), STRICT)
    assert best_of({"a": small, "b": large, "c": out}) == "b"
    assert best_of({"b": small, "a": small}) == "a"
    assert best_of({"c": out}) is None


def test_verdicts_without_a_confirmation_spend_nothing_and_say_why() -> None:
    no = screened_out(screen(pairs_of([-0.1] * 8), STRICT), STRICT)
    assert (no.outcome, no.reasons[0].code) == (Outcome.NO, Code.SCREENED_OUT)
    few = needs_verify_plans(screen(GAIN, STRICT), STRICT, given=6)
    assert (few.outcome, few.reasons[0].code) == (Outcome.CONDITIONAL, Code.NEEDS_VERIFY_PLANS)
    assert fewest_sealed_plans(STRICT) == 9
    assert "at least 9" in few.reasons[0].text
    assert few.reasons[0].facts == {"given": "6", "needed": "9"}
    assert few.screening is not None
    assert sealed_view(few) == few


def test_the_sealed_view_holds_no_number_of_the_sealed_plans() -> None:
    screening = screen(GAIN, STRICT)
    yes = confirmed([0.31, 0.27, 0.29, 0.33, 0.28, 0.3] * 6, screening)
    assert yes.outcome is Outcome.YES
    assert yes.screening == screening
    shown = sealed_view(yes)
    assert shown.outcome is Outcome.YES
    assert shown.reasons[0].code is Code.BETTER
    assert shown.effect == screening.effect
    assert sealed_view(shown) == shown
    text = shown.model_dump_json()
    assert yes.fingerprint not in text
    assert not any(f"{value:.1f}" in text for value in (29.7, 31.0, 33.0))
    assert not [guard for guard in shown.guards if guard.numbers]


def test_two_confirmations_of_one_outcome_look_the_same() -> None:
    """Nothing that a proposer reads tells a narrow NO from a wide one."""
    screening = screen(GAIN, STRICT)
    near = confirmed([0.3, -0.28] * 30, screening)
    far = confirmed([0.3, -0.29] * 20, screening)
    assert near.outcome is far.outcome is Outcome.NO
    assert near.effect != far.effect
    assert sealed_view(near) == sealed_view(far)
