import re

import pytest

from prompt_lab.decide.verdict import Guard
from prompt_lab.report.page import render_report
from prompt_lab.report.view import ReportView
from tests.prompt_lab.report import samples
from tests.prompt_lab.report.reading import Page, poisoned

FULL = samples.full()
PAGE = Page(render_report(FULL))


@pytest.mark.parametrize("view", [samples.full(), samples.nothing_ran(), samples.one_side()])
def test_untrusted_text_adds_no_element_and_runs_no_template(view: ReportView) -> None:
    clean, dirty = Page(render_report(view)), Page(render_report(poisoned(view)))
    assert "<script>alert(1)</script>{{ 7*7 }}" in dirty.text
    assert dirty.tags["script"] == 1
    assert set(dirty.tags) - {"mark"} == set(clean.tags) - {"mark"}
    assert dirty.attributes == clean.attributes


def test_a_link_of_the_target_that_is_no_web_address_stays_text() -> None:
    pull = samples.PULL.model_copy(update={"url": "javascript:alert(1)"})
    page = Page(render_report(FULL.model_copy(update={"pull": pull})))
    assert not [a for a in page.find("a") if "javascript" in a["href"]]


def test_who_took_part_and_what_agents_did_is_shown() -> None:
    assert "Who took part" in PAGE.text
    assert "claudefailedread" in PAGE.text
    row = ("claude", "insight", "haiku", "time", "time_limit", "$0.50", "1 min 1 s", "its network")
    assert "".join(row) in PAGE.text
    alone = FULL.model_copy(update={"works": (), "took_part": ()})
    assert "Who took part" not in Page(render_report(alone)).text


def test_every_style_and_script_is_allowed_by_its_hash_alone() -> None:
    policy = next(m["content"] for m in PAGE.find("meta") if "default-src" in m.get("content", ""))
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    assert "unsafe" not in policy
    assert "style" not in PAGE.attributes
    assert not [name for name in PAGE.attributes if name.startswith("on")]


def test_nothing_is_fetched_from_anywhere() -> None:
    assert not {"img", "iframe", "object", "embed"} & set(PAGE.tags)
    assert not [attrs for attrs in PAGE.find("script") if "src" in attrs]
    assert [attrs["href"] for attrs in PAGE.find("link")] == ["data:,"]
    assert not re.search(r"url\(|@import", render_report(FULL))


def test_the_verdict_is_said_in_words_and_not_in_colour_alone() -> None:
    assert PAGE.find("span", class_="YES")
    assert "YES" in PAGE.text
    assert "Better by +18.8 points over 20 plans" in PAGE.text


def test_every_cell_of_the_grid_leads_to_a_place_on_the_page() -> None:
    ids = {attrs["id"] for _, attrs in PAGE.elements if "id" in attrs}
    cells = [a["href"][1:] for a in PAGE.find("a") if a["href"].startswith(("#flip-", "#pair-"))]
    assert len(cells) == 2 * 20
    assert set(cells) <= ids


def test_sortable_columns_say_how_they_sort_and_hold_bare_numbers() -> None:
    heads = [attrs for attrs in PAGE.find("th") if "aria-sort" in attrs]
    assert heads
    assert {attrs["data-kind"] for attrs in heads} == {"t", "n"}
    values = [attrs["data-v"] for attrs in PAGE.find("td") if "data-v" in attrs]
    assert all(value == "" or float(value) is not None for value in values)


def test_a_flip_holds_input_both_answers_and_gold() -> None:
    assert FULL.metrics
    panels = len(PAGE.find("div", class_="panel"))
    assert panels == 4 * len(FULL.metrics.flips) > 0
    assert "Total to pay: EUR 37.00" in PAGE.text


def test_texts_of_verify_plans_are_not_on_the_page() -> None:
    assert "Verify plans" in PAGE.text
    assert len(PAGE.find("table", class_="heat")) == 2
    assert len(PAGE.find("table", id="flip-table")) == 1


def test_runs_and_raw_files_are_linked_relative_to_the_report() -> None:
    hrefs = {attrs["href"] for attrs in PAGE.find("a")}
    assert "verdict.json" in hrefs
    assert f"../../{FULL.rows[0].path}" in hrefs


def test_a_page_where_nothing_ran_says_so_in_every_section() -> None:
    page = Page(render_report(samples.nothing_ran()))
    assert page.find("span", class_="INVALID")
    assert "no effect" in page.text
    assert not page.find("table", class_="heat")
    for section in ("change", "grid", "flips", "models", "errors", "cost", "decided", "documents"):
        assert page.find("section", id=section)


def test_a_page_with_one_side_shows_that_side() -> None:
    page = Page(render_report(samples.one_side()))
    assert "NO VERDICT" in page.text
    assert "Not both sides ran" in page.text
    assert page.find("td", class_="one")


def test_equal_views_give_equal_pages() -> None:
    assert render_report(samples.full()) == render_report(samples.full())


def test_a_guard_that_is_off_is_not_called_hidden_while_plans_are_sealed() -> None:
    hidden = "Hidden while the verify plans are sealed."
    guards = (
        Guard(name="latency", state="off", text=hidden),
        Guard(name="support", state="held", text=hidden),
    )
    view = samples.full()
    assert view.verdict is not None
    verdict = view.verdict.model_copy(update={"guards": guards})
    page = render_report(view.model_copy(update={"verdict": verdict, "sealed": True}))
    assert page.count(hidden) == 1
    assert "The policy does not use it, or nothing was measured." in page


def test_what_retests_show_of_a_merge_is_on_its_page() -> None:
    worse = {
        "after_merge": "Turned out worse: 70 fresh plans show a <b>loss</b>.",
        "worse_since": True,
    }
    page = render_report(samples.full().model_copy(update=worse))
    assert (
        'class="worse">After the merge: Turned out worse: 70 fresh plans show a &lt;b&gt;' in page
    )
