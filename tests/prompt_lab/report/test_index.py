from prompt_lab.names import Outcome
from prompt_lab.report.chart import Chart, charts
from prompt_lab.report.index import render_index
from prompt_lab.report.view import LedgerEntry
from tests.prompt_lab.report import ledgers
from tests.prompt_lab.report.reading import Page, poisoned


def test_newest_first_with_links_to_reports_and_pulls() -> None:
    page = Page(render_index(ledgers.ledger()))
    hrefs = [attrs["href"] for attrs in page.find("a")]
    assert "analysis/10_extract_invoice/report.html" in hrefs
    assert "https://example.org/pull/12" in hrefs
    assert page.text.index("Change number 11") < page.text.rindex("Change number 3")
    assert "reverted in 9" in page.text


def test_untrusted_text_stays_text() -> None:
    clean, dirty = ledgers.ledger(), poisoned(ledgers.ledger())
    one, two = Page(render_index(clean)), Page(render_index(dirty))
    assert "<script>alert(1)</script>{{ 7*7 }}" in two.text
    assert set(two.tags) <= set(one.tags)
    assert one.attributes == two.attributes


def test_an_old_lab_with_few_facts_has_its_table_and_its_verdicts() -> None:
    page = Page(render_index(ledgers.old_ledger()))
    assert "not recorded" in page.text
    assert page.tags["tr"] == 53 + 1
    assert len(page.find("svg", class_="chart")) == 2
    assert not page.find("line", class_="level")


def test_a_lab_without_iterations_says_so() -> None:
    assert "There is no iteration yet." in Page(render_index([])).text


def test_a_picture_takes_the_whole_width_and_needs_little_of_it() -> None:
    [chart] = charts([LedgerEntry(iteration=1, step="s", baseline=0.4, candidate=0.6)])
    assert chart.least < 100
    [mark] = chart.marks
    assert (mark.left, mark.x, mark.width) == (0, 50, 100)
    [many] = charts([LedgerEntry(iteration=n, step="s") for n in range(40)])
    assert many.least > 40 * 20
    assert many.marks[-1].left + many.marks[-1].width == 100


def rises(chart: Chart) -> list[tuple[float, float]]:
    """(from, to) of the vertical pieces of the level, in pixels."""
    return [(piece.y1, piece.y2) for piece in chart.level if piece.x1 == piece.x2]


def test_the_level_steps_back_where_a_merge_was_taken_back() -> None:
    merged = LedgerEntry(iteration=1, step="s", baseline=0.4, candidate=0.6, merged=True)
    back = merged.model_copy(update={"reverted_pull": 2, "reverted_after": 1})
    [chart] = charts([back])
    [mark] = chart.marks
    assert rises(chart) == [(mark.base, mark.dot), (mark.dot, mark.base)]
    later = LedgerEntry(iteration=2, step="s", baseline=0.6, candidate=0.5, outcome=Outcome.NO)
    [chart] = charts([merged.model_copy(update={"reverted_pull": 3, "reverted_after": 2}), later])
    assert (chart.level[-1].x2, chart.level[-1].y2) == (100, chart.marks[0].base)


def test_the_level_steps_up_where_a_candidate_was_merged_and_only_there() -> None:
    first = LedgerEntry(iteration=1, step="s", baseline=0.2, candidate=0.6, merged=True)
    second = LedgerEntry(iteration=2, step="s", baseline=0.6, candidate=0.7, outcome=Outcome.NO)
    (chart,) = charts([second, first])
    one, two = chart.marks
    assert [mark.iteration for mark in chart.marks] == [1, 2]
    assert rises(chart) == [(one.base, one.dot)]
    assert one.dot == two.base
    assert one.base is not None
    assert one.dot is not None
    assert one.dot < one.base


def test_scores_at_both_ends_of_the_scale_stay_inside_the_picture() -> None:
    entries = [
        LedgerEntry(iteration=n, step="s", baseline=n, candidate=1 - n, low=-1, high=1)
        for n in (0, 1)
    ]
    (chart,) = charts(entries)
    places = [p for mark in chart.marks for p in (mark.base, mark.dot, mark.low, mark.high)]
    assert all(p is not None and 0 <= p <= chart.plot for p in places)
