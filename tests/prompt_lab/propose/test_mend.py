"""What settles a CONDITIONAL verdict, and who can carry it out."""

import pytest

from prompt_lab.decide.verdict import Code, Evidence, Outcome, Policy, Verdict, decide
from prompt_lab.evaluate.judged import NO_AGREEMENT
from prompt_lab.names import Split
from prompt_lab.propose.model import Material
from prompt_lab.propose.remedy import REMEDIES, mender, remedy
from tests.prompt_lab.decide.making import losing_pairs, pairs_of, verdict_of
from tests.prompt_lab.decide.test_reason_order import RECORDED
from tests.strategies import strategies

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
MATERIAL = Material("read", "Read the note.\n[user]\n{note}\n", SCHEMA, ())


def test_the_guard_that_failed_names_the_fix() -> None:
    fix = remedy(verdict_of(Outcome.CONDITIONAL, Code.BETTER, Code.VALIDITY_LOWER))
    assert fix is not None
    strategy = mender(fix, MATERIAL, strategies())
    assert strategy is not None
    assert strategy.name == "state_contract"
    assert mender(fix, MATERIAL, strategies(), tried=["state_contract"]) is None


def test_a_promising_trend_asks_for_plans_and_not_for_words() -> None:
    fix = remedy(verdict_of(Outcome.CONDITIONAL, Code.RAN_OUT, Code.NEEDS_PAIRS))
    assert fix is not None
    assert (fix.strategies, fix.more) == ((), Split.TRAIN)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.CONDITIONAL])
def test_no_other_verdict_waits(outcome: Outcome) -> None:
    assert remedy(verdict_of(outcome, Code.BETTER, Code.VALIDITY_LOWER)) is None


def test_every_strategy_that_is_named_is_there() -> None:
    named = {name for fix in REMEDIES.values() for name in fix.strategies}
    assert named <= set(strategies())


def test_a_model_that_loses_is_settled_by_words_and_not_by_plans() -> None:
    fix = remedy(decide(losing_pairs(), Policy(alpha=0.03, mode="fixed")))
    assert fix is not None
    assert fix.text.startswith("Say it so that 'weak' can follow it too")
    assert "plans" not in fix.text
    assert (fix.more, fix.rerun, fix.strategies) == (None, False, ("state_contract", "compress"))


def test_a_recorded_verdict_that_hid_its_failed_guards_names_their_fix() -> None:
    old = Verdict.model_validate_json(RECORDED.read_text("utf-8"))
    fix = remedy(old)
    assert fix is not None
    assert "'weak'" in fix.text
    assert "Also: State the form of the answer" in fix.text
    assert "rain plans" not in fix.text


def test_missing_runs_among_too_few_plans_are_made_on_the_same_commit() -> None:
    fix = remedy(verdict_of(Outcome.CONDITIONAL, Code.MISSING, Code.TOO_FEW_PLANS))
    assert fix is not None
    assert fix.text == "Make the runs that lack a side. Also: Add train plans."
    assert (fix.rerun, fix.more) == (True, Split.TRAIN)


def test_runs_are_not_made_again_where_the_words_have_to_change_too() -> None:
    fix = remedy(verdict_of(Outcome.CONDITIONAL, Code.MISSING, Code.COST, Code.BETTER))
    assert fix is not None
    assert fix.text == "Make the runs that lack a side. Also: Say the same in fewer words."
    assert (fix.rerun, fix.more, fix.strategies) == (False, None, ("compress",))


def test_a_judge_without_agreement_asks_for_gold_and_recorded_answers_for_models() -> None:
    judge = f"judge 'j' {NO_AGREEMENT} (no judged pair has gold)"
    kept = "Replay of recorded answers: in 2 of 2 runs they were given by model."
    for violations, wanted in (
        ((judge,), ["gold"]),
        ((kept,), ["models that answer now"]),
        ((judge, kept), ["gold", "models that answer now"]),
        (("It names a gold answer.",), ["Fix what breaks the rule"]),
        ((judge, "It is rude."), ["gold", "Fix what breaks the rule"]),
    ):
        verdict = decide(pairs_of([0.3] * 12), Policy(), Evidence(violations=violations))
        fix = remedy(verdict)
        assert fix is not None
        assert len(fix.text.split(" Also: ")) == len(wanted)
        assert all(words in fix.text for words in wanted)
