import pytest

from prompt_lab.decide.verdict import Code, Evidence, Pair, Policy, Validity, Verdict, decide
from tests.prompt_lab.decide.making import pairs_of

REQUIRED = Policy(verify="required")
GOOD = pairs_of([0.3] * 12)


def ask(
    differences: list[float] | None, policy: Policy = REQUIRED, pairs: list[Pair] = GOOD
) -> Verdict:
    verify = None if differences is None else tuple(pairs_of(differences, prefix="verify"))
    return decide(pairs, policy, Evidence(verify_pairs=verify))


def test_verify_is_asked_for_only_when_all_else_says_yes() -> None:
    pending = ask(None)
    assert (pending.outcome, pending.needs_verify) == ("CONDITIONAL", True)
    assert [r.code for r in pending.reasons] == [Code.BETTER, Code.VERIFY_PENDING]
    assert not ask(None, pairs=pairs_of([-0.3] * 12)).needs_verify
    broken = decide(GOOD, REQUIRED, Evidence(violations=("x",)))
    assert not broken.needs_verify
    assert not ask(None, Policy()).needs_verify


@pytest.mark.parametrize(
    ("differences", "outcome", "code"),
    [
        ([0.2, 0.1, 0.3, 0.1], "YES", None),
        ([0.2, -0.1, 0.3, -0.2], "CONDITIONAL", Code.VERIFY_NOT_SHOWN),
        ([0.2, 0.1, 0.3], "CONDITIONAL", Code.VERIFY_NOT_SHOWN),
        ([], "CONDITIONAL", Code.VERIFY_NOT_SHOWN),
        ([-0.2, -0.1, -0.3, -0.1], "NO", Code.VERIFY_WORSE),
    ],
)
def test_the_gate_confirms_doubts_or_denies(
    differences: list[float], outcome: str, code: Code | None
) -> None:
    verdict = ask(differences)
    assert verdict.outcome == outcome
    assert not verdict.needs_verify
    assert code is None or code in [r.code for r in verdict.reasons]
    assert verdict.verify is not None
    assert verdict.verify.n_plans == len(differences)


def test_verify_pairs_that_were_read_count_even_where_they_are_not_required() -> None:
    assert ask([-0.2] * 5, Policy()).outcome == "NO"
    assert ask([-0.2] * 5, Policy(verify="off")).outcome == "YES"


def test_a_failed_guard_stays_failed_when_verify_confirms() -> None:
    lower = Validity(baseline_valid=40, baseline_total=40, candidate_valid=20, candidate_total=40)
    evidence = Evidence(validity=lower, verify_pairs=tuple(pairs_of([0.3] * 8, prefix="v")))
    assert decide(GOOD, REQUIRED, evidence).outcome == "CONDITIONAL"
