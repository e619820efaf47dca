"""The report page, the report and the learnings: what they say, and that they escape it."""

from prompt_lab.benchmark.cycle_report import (
    HarnessView,
    render_learnings,
    render_page,
    render_report,
)
from tests.prompt_lab.benchmark.pages import full_view


def test_the_page_draws_every_cycle_and_escapes_what_others_wrote() -> None:
    page = render_page(full_view())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert page.count('class="mark ') == 3  # one for each cycle
    assert "adopted, version 2" in page
    assert "in routing/routing_decisions.jsonl" in page


def test_an_empty_lab_has_a_page_that_says_what_to_do() -> None:
    page = render_page(HarnessView())
    assert "luigi --module pipeline MetaLoop" in page
    assert "No rule: every model may do every phase." in page


def test_each_learning_has_its_verdict_and_they_grow() -> None:
    view = full_view()
    lines = [one for one in render_learnings(view).splitlines() if one.startswith("- ")]
    assert [one.split("**")[1] for one in lines] == ["YES", "NO", "YES"]
    fewer = view._replace(cycles=view.cycles[:1])
    before = [one for one in render_learnings(fewer).splitlines() if one.startswith("- ")]
    assert lines[: len(before)] == before


def test_the_report_lists_every_cycle_with_level_and_change() -> None:
    text = render_report(full_view())
    assert "| 2 | small on extended | 40.0% | small+temperature=0.3 | YES |" in text
    assert "yes, version 2" in text
    assert "temperature=0.3 3 of 8" in text
