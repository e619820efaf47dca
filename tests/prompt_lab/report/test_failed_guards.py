"""Where a guard failed, every page and line that tells of the verdict begins with that."""

from collections.abc import Sequence

import pytest

from prompt_lab.decide.verdict import Amounts, Evidence, Verdict, decide
from prompt_lab.report.comment import verdict_comment
from prompt_lab.report.page import render_report
from prompt_lab.report.summary import COLUMNS, LINES, render_summary
from prompt_lab.report.view import ReportView
from tests.prompt_lab.decide.making import losing_pairs
from tests.prompt_lab.decide.test_reason_order import BROKEN_ANSWERS, RECORDED, SLOW, TREND
from tests.prompt_lab.report import samples
from tests.prompt_lab.report.reading import Page

MANY = TREND.model_copy(update={"latency_ratio": 1.2, "latency_p90_ratio": 1.2, "cost_ratio": 1.2})
ALL_FAILED = decide(
    losing_pairs(), MANY, BROKEN_ANSWERS.model_copy(update={"latency": SLOW, "cost": SLOW})
)
VERDICTS = {
    "trend": decide(losing_pairs(), TREND),
    "all failed": ALL_FAILED,
    "recorded": Verdict.model_validate_json(RECORDED.read_text("utf-8")),
}


def view_of(verdict: Verdict, models: Sequence[str] = samples.MODELS) -> ReportView:
    return samples.full(tuple(models)).model_copy(update={"verdict": verdict})


@pytest.mark.parametrize("name", VERDICTS)
def test_the_failed_guard_is_first_in_summary_page_and_comment(name: str) -> None:
    view = view_of(VERDICTS[name])
    summary, comment = render_summary(view), verdict_comment(view)
    page = Page(render_report(view)).text
    assert summary.splitlines()[1].startswith("  why       Guard 'model weak' failed: 'weak' loses")
    flat = " ".join(summary.split())
    assert "settle Say it so that 'weak' can follow it too" in flat
    assert comment.splitlines()[2].startswith("Guard 'model weak' failed: 'weak' loses")
    top = page[: page.index("mean change of the score per plan")]
    assert top.index("Guard 'model weak' failed") < top.index("not shown better")
    assert "What would settle it: Say it so that 'weak' can follow it too" in top
    table = page[page.index("Reasons and guards") :]
    assert table.index("model weak") < table.index("ran_out") < table.index("held")
    assert comment.index("- `model_worse`") < comment.index("- `ran_out`")
    for told in (summary, comment, page):
        assert "Promising" not in told
        assert "Add train plans" not in told
        assert "settles it" not in told


def test_each_failed_guard_stands_once_in_a_comment_and_at_the_top_of_the_page() -> None:
    view = view_of(ALL_FAILED)
    listed = [line for line in verdict_comment(view).splitlines() if line.startswith("- ")]
    assert [line.split("`")[1] for line in listed[:5]] == [
        "model_worse", "validity_lower", "latency", "latency", "cost"
    ]  # fmt: skip
    assert sum("'weak' loses" in line for line in listed) == 1
    top = Page(render_report(view))
    assert len(top.find("li", class_="why")) == 5


@pytest.mark.parametrize("models", [2, 14])
def test_a_summary_with_many_failed_guards_still_fits_and_names_the_pull_request(
    models: int,
) -> None:
    view = view_of(ALL_FAILED, [f"model-{n}" for n in range(models)])
    lines = render_summary(view).splitlines()
    assert len(lines) <= LINES
    assert all(len(line) <= COLUMNS for line in lines if not line.startswith("  report"))
    assert any(line.startswith("  PR ") for line in lines)
    assert any("2 more guards failed." in " ".join(lines[i : i + 2]) for i in range(len(lines)))


def test_a_yes_looks_as_it_did() -> None:
    page = Page(render_report(samples.full()))
    assert page.find("ul", class_="failed") == []
    assert "Better by" in render_summary(samples.full()).splitlines()[1]


def test_untrusted_names_of_models_are_text() -> None:
    pairs = [pair._replace(model=f"<b>{pair.model}") for pair in losing_pairs()]
    verdict = decide(pairs, TREND)
    assert "<b>weak" in Page(render_report(view_of(verdict))).text
    assert "<b>" not in verdict_comment(view_of(verdict)).replace("\\<b\\>", "")


def test_amounts_without_a_budget_fail_no_guard() -> None:
    amounts = Amounts(baseline=(1.0,), candidate=(9.0,))
    verdict = decide(losing_pairs(), TREND, Evidence(cost=amounts))
    assert [g.name for g in verdict.guards if g.state == "failed"] == ["model weak"]
