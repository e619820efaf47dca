"""Before and after on one screen."""

from prompt_lab.analyze.assessment import assess
from prompt_lab.analyze.changes import changes
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.decide.verdict import Code, Interval, Outcome
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import CHANGE, both, by_name, plan_text, row
from tests.prompt_lab.decide.making import verdict_of

SUBJECTS = ("harvest", "harbour", "bridge", "school", "market", "forest")
VERDICT = verdict_of(
    Outcome.NO, Code.FUTILE, effect=0.012, interval=Interval(low=-0.02, high=0.044)
)


def _metrics() -> Metrics:
    before = [{"review": f"Each lever {s} weighs cost"} for s in SUBJECTS]
    after = [{"review": f"The options forget {s} again"} for s in SUBJECTS]
    rows = [
        *both("p1", before, after, model="large"),
        row(Side.BASELINE, "p2", None, error=("missing_field", "options: got 2, not 3")),
        row(Side.CANDIDATE, "p2", {"t": "1"}),
    ]
    return measure(rows, by_name([plan_text("p2", "in", {"t": "1"})]), "total")


def test_the_page_says_verdict_better_and_worse() -> None:
    page = assess(_metrics(), VERDICT, CHANGE)
    assert "**NO** — effect +0.012, interval -0.020 to +0.044; 4 pairs on 2 plans." in page
    better, worse = page.split("## What got worse")
    assert "'Each lever' of '\\[\\].review' went: large on p1 6 of 6 → 0 of 6" in better
    assert "options: got 2, not 3" in better
    assert "'The options forget' of '\\[\\].review' came: large on p1 0 of 6 → 6 of 6" in worse


def test_a_page_from_before_verify_says_so() -> None:
    waiting = VERDICT.model_copy(update={"needs_verify": True, "outcome": Outcome.CONDITIONAL})
    assert "**Goes on to the verify plans** — effect" in assess(_metrics(), waiting, CHANGE)
    assert "CONDITIONAL" not in assess(_metrics(), waiting, CHANGE)
    assert "before the verify plans were read" in assess(_metrics(), waiting, CHANGE)
    assert "verify" not in assess(_metrics(), VERDICT, CHANGE)


def test_it_fits_on_a_screen_or_two() -> None:
    rows = [
        one
        for n in range(30)
        for one in both(f"p{n}", {"a": "1"}, {"a": "2"}, model=f"model-{n}", score=n / 30)
    ]
    assert len(assess(measure(rows, {}, "total"), VERDICT, CHANGE).splitlines()) < 90


def test_a_verdict_without_an_effect_is_told() -> None:
    invalid = VERDICT.model_copy(update={"effect": None, "interval": None})
    assert "no effect could be measured" in assess(measure([], {}, "total"), invalid, CHANGE)


def test_an_equal_result_stays() -> None:
    metrics = measure(both("p", {"a": "1"}, {"a": "1"}), {}, "total")
    assert {one.says for one in changes(metrics)} == {"same"}
