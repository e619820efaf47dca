"""What settles a CONDITIONAL verdict, and who can carry it out."""

import pytest

from prompt_lab.decide.verdict import Code, Outcome, Reason, Verdict
from prompt_lab.names import Split
from prompt_lab.propose.choose import strategies
from prompt_lab.propose.mend import REMEDIES, mender, remedy
from prompt_lab.propose.model import Material

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
MATERIAL = Material("read", "Read the note.\n[user]\n{note}\n", SCHEMA, ())


def _verdict(outcome: Outcome, *codes: Code) -> Verdict:
    return Verdict(
        outcome=outcome,
        reasons=tuple(Reason(code=code, text=code.value) for code in codes),
        effect=0.1,
        interval=None,
        effect_size=None,
        p_value=None,
        n_plans=1,
        n_pairs=1,
        calls=2,
        calls_planned=2,
        look=1,
        looks=1,
        alpha=0.05,
        method="",
        seed=0,
        fingerprint="",
    )


def test_the_guard_that_failed_names_the_fix() -> None:
    fix = remedy(_verdict(Outcome.CONDITIONAL, Code.BETTER, Code.VALIDITY_LOWER))
    assert fix is not None
    strategy = mender(fix, MATERIAL)
    assert strategy is not None
    assert strategy.name == "state_contract"
    assert mender(fix, MATERIAL, tried=["state_contract"]) is None


def test_a_promising_trend_asks_for_plans_and_not_for_words() -> None:
    fix = remedy(_verdict(Outcome.CONDITIONAL, Code.RAN_OUT, Code.NEEDS_PAIRS))
    assert fix is not None
    assert (fix.strategies, fix.more) == ((), Split.TRAIN)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.CONDITIONAL])
def test_no_other_verdict_waits(outcome: Outcome) -> None:
    assert remedy(_verdict(outcome, Code.BETTER, Code.VALIDITY_LOWER)) is None


def test_every_strategy_that_is_named_is_there() -> None:
    named = {name for fix in REMEDIES.values() for name in fix.strategies}
    assert named <= set(strategies())
