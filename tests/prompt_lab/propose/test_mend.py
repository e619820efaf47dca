"""What settles a CONDITIONAL verdict, and who can carry it out."""

import pytest

from prompt_lab.decide.verdict import Code, Outcome
from prompt_lab.names import Split
from prompt_lab.propose.choose import strategies
from prompt_lab.propose.model import Material
from prompt_lab.propose.remedy import REMEDIES, mender, remedy
from tests.prompt_lab.decide.making import verdict_of

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
MATERIAL = Material("read", "Read the note.\n[user]\n{note}\n", SCHEMA, ())


def test_the_guard_that_failed_names_the_fix() -> None:
    fix = remedy(verdict_of(Outcome.CONDITIONAL, Code.BETTER, Code.VALIDITY_LOWER))
    assert fix is not None
    strategy = mender(fix, MATERIAL)
    assert strategy is not None
    assert strategy.name == "state_contract"
    assert mender(fix, MATERIAL, tried=["state_contract"]) is None


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
