import pytest

from prompt_lab.analyze.model import ErrorKind
from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.names import Outcome, Side
from prompt_lab.report.comment import escape, verdict_comment
from prompt_lab.report.page import render_report
from prompt_lab.report.summary import COLUMNS, LINES, render_summary
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import points, score
from tests.prompt_lab.report import samples
from tests.prompt_lab.report.reading import poisoned

VIEWS = [
    samples.full(),
    samples.full(tuple(f"model-{'x' * n}" for n in range(14)), 4),
    samples.nothing_ran(),
    samples.one_side(),
    poisoned(samples.full()),
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_summary_fits_on_a_screen(view: ReportView) -> None:
    lines = render_summary(view).splitlines()
    assert len(lines) <= LINES
    assert all(len(line) <= COLUMNS for line in lines if not line.startswith("  report"))
    assert lines[-1].endswith(view.page)


def test_a_summary_says_all_that_matters() -> None:
    text = render_summary(samples.full())
    for words in ("YES", "interval +8.9 to +28.6", "118 made, 42 reused", "$0.0064"):
        assert words in text
    assert "0.45 -> 0.68" in text
    assert "#12 open  https://example.org/acme/invoices/pull/12" in text


def test_a_yes_is_headed_by_the_gain_to_claim_everywhere() -> None:
    view = samples.full()
    assert view.verdict is not None
    assert view.verdict.claimed is not None
    claim = points(view.verdict.claimed)
    assert claim != points(view.verdict.effect) == "+18.8"
    assert f"effect    {claim} points to claim, measured +18.8, interval" in render_summary(view)
    assert f"**{claim} points** to claim, measured +18.8, interval" in verdict_comment(view)
    page = render_report(view)
    assert f'<p class="big">{claim} <small>points to claim, measured +18.8, interval' in page
    no = view.verdict.model_copy(update={"outcome": Outcome.NO})
    told = view.model_copy(update={"verdict": no})
    assert "effect    +18.8 points, interval" in render_summary(told)


def test_headline_table_and_comment_round_one_number_alike() -> None:
    """8.75 points, as the engine has it and as a table's means of floats give it."""
    exact, noisy = 0.0875, 0.7218749999999999 - 0.634375
    assert exact != noisy
    assert points(exact) == points(noisy) == "+8.8"
    assert score(0.625) == score(0.6249999999999999) == "0.62"


def test_errors_are_told_by_side_and_kind() -> None:
    view = samples.full()
    assert view.metrics is not None
    error = {"model": "m", "plans": ("a",), "example": "x", "path": "p"}
    errors = (
        ErrorKind(side=Side.CANDIDATE, kind="import_failed", count=2, **error),
        ErrorKind(side=Side.CANDIDATE, kind="import_failed", count=1, **error),
        ErrorKind(side=Side.BASELINE, kind="time_limit", count=1, **error),
    )
    told = view.model_copy(update={"metrics": view.metrics.model_copy(update={"errors": errors})})
    assert "  errors    baseline: 1 time_limit; candidate: 3 import_failed\n" in render_summary(
        told
    )


def test_a_long_sentence_about_the_budget_is_told_to_its_end() -> None:
    text = "It tests the candidate of iteration 3 again, and counts. " * 3 + "The end."
    view = samples.full()
    told = view.model_copy(update={"setup": view.setup.model_copy(update={"budget": text})})
    assert " ".join(text.split()) in " ".join(render_summary(told).split())


def test_calls_that_a_recording_answered_were_not_made() -> None:
    view = samples.full()
    spent = view.spent.model_copy(update={"calls_made": 0, "calls_replayed": 30})
    told = render_summary(view.model_copy(update={"spent": spent}))
    assert "  calls     30 replayed, 0 made, 42 reused" in told


def test_what_agents_cost_is_told_where_any_was_at_work() -> None:
    view = samples.full()
    spent = view.spent.model_copy(update={"cost_usd": 1.75, "agents_usd": 1.5, "agents": 3})
    told = view.model_copy(update={"spent": spent})
    words = "$1.50 of it for 3 tasks of agents"
    assert f"$1.75, runs 1 min 23 s, {words}" in render_summary(told)
    assert f"$1.75 ({words})" in verdict_comment(told)
    assert "of agents" not in render_summary(view) + verdict_comment(view)


def test_control_characters_do_not_reach_the_terminal() -> None:
    change = samples.CHANGE.model_copy(update={"title": "a\x1b[31mred\rb\x07"})
    text = render_summary(samples.full().model_copy(update={"change": change}))
    assert all(char.isprintable() for line in text.split("\n") for char in line)


def test_a_comment_has_verdict_table_reasons_and_report() -> None:
    text = verdict_comment(samples.full())
    assert text.startswith("## ✓ YES\n")
    assert "| `smollm2-t0` | 0.45 | 0.68 | +22.5 | 0.90 | 1.00 |" in text
    assert "- `better` Better by +18.8 points" in text
    assert "Report: `lab/analysis/12_extract_invoice/report.html`" in text


def test_a_comment_links_a_report_that_is_on_the_web() -> None:
    view = samples.full().model_copy(update={"page": "https://example.org/r.html"})
    assert "[Report](<https://example.org/r.html>)" in verdict_comment(view)


def test_untrusted_text_is_no_markup_in_a_comment() -> None:
    text = verdict_comment(poisoned(samples.full()))
    outside = "".join(text.split("`")[::2])
    assert "<script>" not in outside.replace("\\<script\\>", "")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(line.count("|") == 7 for line in rows)


def test_nobody_is_called_by_name() -> None:
    assert "@octocat" not in escape("thanks @octocat")


@pytest.mark.parametrize("view", [samples.nothing_ran(), samples.one_side()])
def test_a_comment_without_pairs_says_why(view: ReportView) -> None:
    assert "compared" in verdict_comment(view)


def test_lost_runs_and_a_one_sided_filter_are_said() -> None:
    view = samples.full()
    assert view.metrics is not None
    assert view.verdict is not None
    text = "content_filter hits the candidate alone: in 13 of 24 of its runs."
    reason = Reason(code=Code.ONE_SIDED_FILTER, text=text)
    changed = {
        "metrics": view.metrics.model_copy(update={"lost": 13}),
        "verdict": view.verdict.model_copy(update={"reasons": (*view.verdict.reasons, reason)}),
    }
    told = view.model_copy(update=changed)
    assert "  missing   13 pairs without the run of one side" in render_summary(told)
    assert f"  filter    {text}" in render_summary(told)
    assert text in render_report(told)
    assert "13 pairs without the run of one side" in render_report(told)
    assert "missing  " not in render_summary(view)
