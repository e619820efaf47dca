"""The ledger page beyond its table: the front, the loops, follow-ups and reverts."""

from prompt_lab.names import Outcome
from prompt_lab.report.index import render_index
from prompt_lab.report.view import (
    ErrorBudgetView,
    FrontRow,
    LedgerEntry,
    LoopRow,
    ParetoFront,
    PlanSet,
)
from tests.prompt_lab.report.reading import Page, poisoned

ENTRIES = [
    LedgerEntry(
        iteration=1,
        step="s",
        outcome=Outcome.YES,
        merged=True,
        reverted_pull=4,
        reverted_url="pulls/0004.json",
        report="analysis/1_s/report.html",
    ),
    LedgerEntry(iteration=2, step="s", outcome=Outcome.CONDITIONAL, followed_in=3),
    LedgerEntry(iteration=3, step="s", outcome=Outcome.NO, follow_up_of=2),
]
ROWS = (
    FrontRow(
        iteration=1,
        title="Odd words",
        branch="prompt-lab/1-odd",
        outcome=Outcome.NO,
        quality={"haiku": 0.91},
        best=("haiku",),
        plans=20,
        cost_usd=0.002,
        length=340,
    ),
    FrontRow(
        iteration=2,
        title="Main before iteration 2",
        branch="main",
        quality={"haiku": 0.4, "llama": 0.7},
        best=("llama",),
        plans=20,
        cost_usd=0.001,
        length=120,
    ),
)
FRONT = ParetoFront(step="s", models=("haiku", "llama"), rows=ROWS, beaten=2)
LOOPS = [
    LoopRow(loop=1, step="s", iterations=(1, 2), code="budget", text="$3.00 is spent."),
    LoopRow(loop=2, step="s", iterations=(3,)),
]


def test_what_was_taken_back_and_what_was_answered_stand_with_their_links() -> None:
    page = Page(render_index(ENTRIES))
    assert page.find("a", href="pulls/0004.json")
    assert "reverted in #4" in " ".join(page.text.split())
    assert "followed in 3" in page.text
    assert "follows 2" in page.text


def test_the_front_marks_the_best_of_each_model() -> None:
    page = Page(render_index(ENTRIES, fronts=[FRONT]))
    assert [attrs["title"] for attrs in page.find("b")] == ["best on haiku", "best on llama"]
    assert "★ 0.91" in page.text
    assert "Pareto front" in page.text
    assert "2 other versions" in page.text
    assert page.find("a", href="analysis/1_s/report.html")
    assert "Pareto front" not in Page(render_index(ENTRIES, fronts=[ParetoFront(step="s")])).text


def test_loops_say_why_they_stopped_or_that_they_go_on() -> None:
    page = Page(render_index(ENTRIES, loops=LOOPS))
    assert "$3.00 is spent." in page.text
    assert page.text.index("not ended") < page.text.index("budget")


def test_a_set_of_plans_is_named_by_its_split_and_its_size() -> None:
    known = PlanSet(kind="verify", name="1f3a9c20", uses=2, last=3, split="verify", plans=20)
    old = PlanSet(kind="trial", name="", uses=1, last=1)
    budget = ErrorBudgetView(
        step="s", text="Next.", spent=0.005, trials=1, merges=0, sets=(known, old)
    )
    text = " ".join(Page(render_index(ENTRIES, [budget])).text.split())
    assert "verify, 20 plans 1f3a9c20readings of verify2" in text
    assert "not recordedtrials1" in text


def test_a_loop_is_told_in_words() -> None:
    rows = [LoopRow(loop=1, step="s", iterations=(1,), code="no_direction", text="Nothing left.")]
    assert "no direction" in Page(render_index(ENTRIES, loops=rows)).text


def test_names_of_models_and_branches_stay_text() -> None:
    clean = Page(render_index(ENTRIES, fronts=[FRONT], loops=LOOPS))
    front, loops = poisoned([FRONT]), poisoned(LOOPS)
    dirty = Page(render_index(poisoned(ENTRIES), fronts=front, loops=loops))
    assert "<script>alert(1)</script>{{ 7*7 }}" in dirty.text
    assert set(dirty.tags) <= set(clean.tags)
