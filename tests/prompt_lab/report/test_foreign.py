"""The page of another tool's analysis, the ledger of its lab, and the list of odd folders."""

from prompt_lab.report.index import render_index
from prompt_lab.report.irregular import render_irregular
from prompt_lab.report.planexe import render_foreign
from tests.prompt_lab.report import foreign_samples
from tests.prompt_lab.report.ledgers import ledger
from tests.prompt_lab.report.reading import Page, poisoned


def test_every_run_has_its_cell_with_a_link_to_its_folder() -> None:
    page = Page(render_foreign(foreign_samples.analysis()))
    cells = [attrs for attrs in page.find("td") if "on 2026" in attrs.get("title", "")]
    assert len(cells) == 9
    assert page.text.count("✓ 46 s") == 2
    assert "✕ 46 s" in page.text
    hrefs = {attrs["href"] for attrs in page.find("a")}
    assert "../history/1/00_step/outputs/20260311_plan_number_1" in hrefs
    assert {"../index.html", "6_find_levers.html", "8_find_levers.html"} <= hrefs
    assert "no run recorded" in next(a["title"] for a in cells if a["class"] == "one")


def test_errors_documents_and_oddities_are_all_there() -> None:
    page = Page(render_foreign(foreign_samples.analysis()))
    assert foreign_samples.ERROR in page.text
    assert "7 of 8" in page.text
    assert page.text.index("assessment.md") < page.text.index("a.md\n")
    assert page.text.count("no synthesis.md") == 1
    assert "recorded by 5 of 8 runs" in page.text
    assert page.find("code")


def test_an_analysis_that_left_nothing_says_so_everywhere() -> None:
    text = Page(render_foreign(foreign_samples.empty())).text
    for told in (
        "NO VERDICT",
        "No title",
        "None of the run folders",
        "No run is known",
        "no documents",
    ):
        assert told in text


def test_text_of_the_other_tool_stays_text() -> None:
    view = foreign_samples.analysis()
    one, two = (Page(render_foreign(v)) for v in (view, poisoned(view)))
    assert "<script>alert(1)</script>{{ 7*7 }}" in two.text
    assert set(two.tags) <= set(one.tags)
    assert one.attributes == two.attributes


def test_the_ledger_shows_what_ended_and_every_odd_folder_once() -> None:
    odd = foreign_samples.odd()
    page = Page(render_index(foreign_samples.entries(), irregular=odd))
    assert "32 of 35" in page.text
    assert "no title recorded" in page.text
    assert page.find("circle", class_="dot")
    assert not page.find("circle", class_="base")
    hrefs = [attrs["href"] for attrs in page.find("a")]
    assert "pages/8_find_levers.html" in hrefs
    assert all(hrefs.count(one.path) == 1 for one in odd)
    assert "2 folders: no outputs.jsonl; no events.jsonl" in page.text
    assert "not recorded" in page.text
    assert "in 1 of 9 iterations" in page.text


def test_a_lab_of_ours_shows_nothing_of_this() -> None:
    page = Page(render_index(ledger()))
    assert not [a for a in page.find("a") if a["href"] == "#irregular"]
    assert "ended without an error" not in page.text


def test_the_list_names_every_folder_once() -> None:
    text = render_irregular(foreign_samples.odd())
    assert "3 folders" in text
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert [line.count("find") for line in lines] == [1, 1, 1]
    assert "no outputs.jsonl; no events.jsonl" in lines[1]
