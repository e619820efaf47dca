"""A filter that hits one side only is a reason of its own, and says nothing of sealed plans."""

from prompt_lab.decide.verdict import Code
from prompt_lab.evaluate.filtered import find_filter, one_sided_filter
from prompt_lab.names import Side
from prompt_lab.records import RunError, RunRow
from tests.prompt_lab.evaluate.test_evidence import row


def rows(kind: str, hit: dict[Side, int], plans: int = 8) -> list[RunRow]:
    error = RunError(kind=kind, message="withheld")
    return [
        row(side, f"p{n}", error=error if n < hit.get(side, 0) else None)
        for side in Side
        for n in range(plans)
    ]


def test_a_filter_on_one_side_is_named_with_its_numbers() -> None:
    for kind in ("content_filter", "refusal"):
        found = one_sided_filter(rows(kind, {Side.CANDIDATE: 3}))
        assert found is not None
        assert found.code is Code.ONE_SIDED_FILTER
        assert found.facts == {"kind": kind, "side": "candidate", "runs": "3 of 8"}
        assert found.text.startswith(f"{kind} hits the candidate alone: in 3 of 8 of its runs")
        assert found.text.endswith("in none of the 8 of the baseline.")


def test_a_filter_on_both_sides_or_another_error_is_none() -> None:
    assert one_sided_filter(rows("content_filter", {Side.CANDIDATE: 5, Side.BASELINE: 1})) is None
    assert one_sided_filter(rows("truncated", {Side.CANDIDATE: 5})) is None
    assert one_sided_filter([]) is None


def test_a_lost_pair_does_not_make_a_filter_one_sided() -> None:
    """The baseline's filtered run has no partner: of the pairs, none was filtered."""
    both = rows("content_filter", {Side.BASELINE: 1})
    assert one_sided_filter(both[:8] + both[9:]) is None


def test_of_sealed_plans_no_number_is_said() -> None:
    clean, hit = rows("refusal", {}), rows("refusal", {Side.BASELINE: 4})
    found = find_filter(clean, hit)
    assert found is not None
    assert found.text == (
        "refusal hits the baseline alone on the verify plans, where the model refused to answer."
    )
    assert set(found.facts) == {"kind", "side"}
    assert find_filter(hit, clean) == one_sided_filter(hit)
    assert find_filter(clean, clean) is None
