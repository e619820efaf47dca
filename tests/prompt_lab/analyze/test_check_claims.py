"""What analysts say is held against the numbers; what these refute is shown and kept nowhere."""

from typing import Any

import pytest

from prompt_lab.analyze.check_claims import check_claims
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.synthesis import render_synthesis, synthesise
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import by_name, plan_text, row

PLANS = by_name([plan_text(f"p{n}", "in", {"amount": f"2{n}"}) for n in range(20)])
RIGHT_BEFORE = 7
"""Of 20: the primary score goes from 0.35 to 1.00."""
METRICS = measure(
    [
        one
        for n in range(20)
        for one in (
            row(
                Side.BASELINE,
                f"p{n}",
                {"amount": f"2{n}" if n < RIGHT_BEFORE else "7"},
                score=float(n < RIGHT_BEFORE),
            ),
            row(Side.CANDIDATE, f"p{n}", {"amount": f"2{n}"}),
        )
    ],
    PLANS,
    "total",
)


def _finding(text: str, **more: Any) -> AnalystFinding:
    facts: dict[str, Any] = {"kind": "quality", "evidence": ("3 of 4 (run)",), **more}
    return AnalystFinding(text=text, **facts)


REFUTED = _finding("The new line makes amounts worse.", says="worse", weight=0.9)


@pytest.mark.parametrize(
    ("finding", "is_refuted"),
    [
        (REFUTED, True),
        (REFUTED.model_copy(update={"says": ""}), True),
        (_finding("Worse.", says="worse", about="amount"), True),
        (_finding("Worse.", says="worse", kind="score"), True),
        (_finding("Worse there.", says="worse", about="p9"), True),
        (_finding("Worse there.", says="worse", about="p1"), False),
        (_finding("Amounts are better.", says="better"), False),
        (_finding("The tone is worse.", says="worse", about="tone"), False),
        (_finding("Amounts did not get worse."), False),
        (_finding("The amount was worse.", says="worse", side=Side.BASELINE), False),
        (_finding("Worse.", says="worse", about="amount", model="large"), False),
    ],
)
def test_only_what_the_numbers_contradict_is_taken_out(
    finding: AnalystFinding, is_refuted: bool
) -> None:
    found = check_claims({"claude": (finding,)}, METRICS)
    assert found.views == {"claude": () if is_refuted else (finding,)}
    assert len(found.contradicted) == is_refuted


def test_an_analyst_that_failed_stays_one_that_failed() -> None:
    found = check_claims({"claude": None, "metrics": ()}, METRICS)
    assert found == ({"claude": None, "metrics": ()}, ())


def test_a_refuted_claim_is_shown_as_such_and_remembered_nowhere() -> None:
    praise = _finding("Amounts are better.", says="better")
    views = {"metrics": (praise,), "claude": (REFUTED,), "codex": (praise,)}
    found = synthesise(views, {"claude": (REFUTED,)}, METRICS, [], ())
    assert found.contradicted[0].endswith("But amount went from 0.350 to 1.000.")
    assert found.failure_modes == ()
    assert found.disagree == ()
    assert found.agree == ("metrics, codex: Amounts are better.",)
    assert {one.analyst: one.insight for one in found.took_part}["claude"] == "read"
    rest = found.model_copy(update={"contradicted": ()})
    assert "worse" not in render_synthesis(rest)
    assert "## Contradicted by the numbers" in render_synthesis(found)


def test_agreement_about_the_baseline_is_no_dispute() -> None:
    views = {
        "metrics": (_finding("Better now.", says="better", about="amount"),),
        "claude": (_finding("Worse before.", says="worse", about="amount", side=Side.BASELINE),),
    }
    assert synthesise(views, {}, METRICS, [], ()).disagree == ()
