"""The pages in a real browser: they sort, open, switch theme, and ask nobody for anything."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from prompt_lab.benchmark.cycle_report import render_page
from prompt_lab.decide.policy import Policy
from prompt_lab.names import Outcome, PullState
from prompt_lab.report.index import render_index
from prompt_lab.report.noise import render_noise_page
from prompt_lab.report.page import render_report
from prompt_lab.report.planexe import render_foreign
from prompt_lab.report.pull_page import (
    CommitVerdict,
    PullComment,
    PullEvent,
    PullView,
    render_pull,
)
from tests.browser.conftest import Watched
from tests.prompt_lab.benchmark.pages import full_view
from tests.prompt_lab.evaluate.test_floor import record
from tests.prompt_lab.report import foreign_samples, ledgers, samples
from tests.prompt_lab.report.reading import poisoned

pytestmark = pytest.mark.browser
WHEN = "2026-03-01T09:05:59Z"

PATTERNS = {f"plan_{n:03}": ("PPPPP", "PFPPF", "FFFFF", "PPFPP")[n % 4] for n in range(24)}
PULL = PullView(
    number=12,
    title="Say what the amount is",
    body="Adds one line.\n\n- `prompts/extract_invoice.txt`",
    repository="target",
    branch="prompt-lab/12-align-with-schema",
    base="main",
    state=PullState.MERGED,
    head="9f3c2a7d5e1b" * 3,
    merged_commit="1a2b3c4d5e6f" * 3,
    labels=("YES",),
    comments=(PullComment(body="**YES**: the sealed plans confirm it.", created=WHEN),),
    verdicts=(CommitVerdict(commit="9f3c2a7d5e1b" * 3, outcome=Outcome.YES, text="Better."),),
    history=(PullEvent(what="opened", when=WHEN, note="9f3c2a7d5e1b" * 3),),
)

PAGES: dict[str, Callable[[], str]] = {
    "full": lambda: render_report(samples.full()),
    "wide": lambda: render_report(samples.full(samples.SEVEN, 60, 0.12)),
    "poisoned": lambda: render_report(poisoned(samples.full())),
    "nothing": lambda: render_report(samples.nothing_ran()),
    "one side": lambda: render_report(samples.one_side()),
    "index": lambda: render_index(ledgers.ledger()),
    "old index": lambda: render_index(ledgers.old_ledger()),
    "another tool's index": lambda: render_index(
        foreign_samples.entries(), irregular=foreign_samples.odd()
    ),
    "another tool's": lambda: render_foreign(foreign_samples.analysis()),
    "another tool's, empty": lambda: render_foreign(foreign_samples.empty()),
    "another tool's, poisoned": lambda: render_foreign(poisoned(foreign_samples.analysis())),
    "poisoned index": lambda: render_index(poisoned(ledgers.ledger())),
    "benchmarks": lambda: render_page(full_view()),
    "noise": lambda: render_noise_page(record(PATTERNS), Policy()),
    "pull": lambda: render_pull(PULL),
    "poisoned pull": lambda: render_pull(poisoned(PULL)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    for name, page in PAGES.items():
        (made / f"{name}.html").write_text(page(), encoding="utf-8")
    return made


@pytest.fixture
def report(browser: Browser, folder: Path) -> Watched:
    return Watched(browser, folder / "full.html", 1440, "light")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_and_fits_its_window(browser: Browser, folder: Path, name: str) -> None:
    watched = Watched(browser, folder / f"{name}.html", 390, "dark")
    for button in watched.page.locator("button[aria-controls]").all()[:2]:
        button.click()
    for summary in watched.page.locator("summary").all():
        summary.click()
    assert watched.overflow == 0
    watched.page.set_viewport_size({"width": 1440, "height": 900})
    assert watched.overflow == 0
    assert watched.said == []
    assert watched.outside == []
    watched.page.context.close()


BROKEN = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest("pre, .heat thead, .diff")) continue;
    for (const { 0: word, index } of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
      if (word.length <= 24 && !/[-\\/]/.test(word) && tops.size > 1) found.push(word);
    }
  }
  return found;
}"""
"""Words that are cut in two though a line has room for them; dashes and slashes may end lines."""


@pytest.mark.parametrize("name", ["full", "index", "benchmarks", "noise", "pull"])
def test_on_a_telephone_every_column_is_in_the_window_and_no_word_is_cut(
    browser: Browser, folder: Path, name: str
) -> None:
    """Rows are lists of labelled cells; what is wider, such as the grid, says that it scrolls."""
    watched = Watched(browser, folder / f"{name}.html", 390, "light")
    page = watched.page
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    cells = page.locator("table.stacked tbody :is(th, td):not([colspan])")
    boxes = cells.evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect())"
        ".map(box => [box.left, box.right])"
    )
    assert boxes
    assert all(left >= 0 and right <= 390 for left, right in boxes)
    labels = cells.evaluate_all("all => all.filter(one => !('label' in one.dataset)).length")
    ticks = page.locator("td[colspan]:empty + td").count()
    assert labels == ticks
    assert page.evaluate(BROKEN) == []
    check_hints(page)
    assert watched.said == []
    page.context.close()


HINTS = """() => [...document.querySelectorAll(".scroll")].filter((box) => box.checkVisibility())
  .map((box) => [box.getAttribute("aria-label"), box.scrollWidth > box.clientWidth + 1,
    box.previousElementSibling.matches(".hint:not([hidden])")])"""


def check_hints(page: Page) -> None:
    """What is wider than its box, and nothing else, says that it scrolls."""
    found = page.evaluate(HINTS)
    assert found
    assert [name for name, wide, said in found if wide != said] == []


@pytest.mark.parametrize("name", ["full", "index", "benchmarks", "noise", "pull"])
def test_at_1280_pixels_tables_and_charts_fit_and_charts_fill_the_page(
    browser: Browser, folder: Path, name: str
) -> None:
    page = Watched(browser, folder / f"{name}.html", 1280, "light").page
    wide = [name for name, wide, _ in page.evaluate(HINTS) if wide]
    assert [name for name in wide if "every model on every plan" not in name] == []
    main = page.locator("main").evaluate("box => box.clientWidth")
    widths = page.locator(".chart").evaluate_all("all => all.map(one => one.clientWidth)")
    assert all(width > 0.9 * main for width in widths)
    check_hints(page)
    page.context.close()


def test_a_head_sorts_its_table_both_ways(report: Watched) -> None:
    head = report.page.locator("#flip-table th", has_text="change")
    numbers = report.page.locator("#flip-table tbody > tr:first-child > td:last-child")
    orders = []
    for state in ("descending", "ascending"):
        head.get_by_role("button").press("Enter")
        expect(head).to_have_attribute("aria-sort", state)
        orders.append([float(text) for text in numbers.all_inner_texts()])
    assert orders[0] == sorted(orders[0], reverse=True)
    assert orders[1] == sorted(orders[1])
    assert report.said == []


def test_sorting_keeps_a_flip_and_its_texts_together(report: Watched) -> None:
    report.page.locator("#flip-table th", has_text="plan").get_by_role("button").click()
    first = report.page.locator("#flip-table tbody").first
    plan = first.locator("td").nth(3).inner_text()
    first.locator("button.open").click()
    expect(first.locator(".panel").nth(1)).to_be_visible()
    expect(first.locator("a", has_text="run").first).to_have_attribute(
        "href", re.compile(re.escape(plan) + "$")
    )


def test_a_flip_opens_and_closes(report: Watched) -> None:
    first = report.page.locator("#flip-table tbody").first
    button, texts = first.locator("button.open"), first.locator(".panels")
    expect(texts).to_be_hidden()
    button.click()
    expect(texts).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert texts.locator("header b").all_inner_texts() == ["input", "baseline", "candidate", "gold"]
    first.locator("td").nth(2).click()
    expect(texts).to_be_hidden()
    assert report.said == []


def test_a_cell_leads_to_its_flip_or_to_its_pair(report: Watched) -> None:
    report.page.locator('.heat a[href^="#flip-"]').first.click()
    expect(report.page.locator(".panels").first).to_be_visible()
    report.page.locator('.heat a[href^="#pair-"]').first.click()
    expect(report.page.locator("#runs")).to_have_attribute("open", "")


def test_arrow_keys_walk_the_grid(report: Watched) -> None:
    report.page.locator(".heat a").first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        report.page.keyboard.press(key)
    assert report.page.evaluate("document.activeElement.parentElement.cellIndex") == 1
    assert report.page.evaluate("document.activeElement.tabIndex") == 0


def test_flips_are_filtered(report: Watched) -> None:
    report.page.get_by_role("button", name="lost").click()
    shown = report.page.locator("#flip-table tbody:visible")
    assert {text[2:6] for text in shown.locator("td:nth-child(2)").all_inner_texts()} == {"lost"}
    report.page.get_by_role("searchbox").fill("no such plan")
    expect(shown).to_have_count(0)
    expect(report.page.locator("output")).to_have_text("0 shown")


def test_the_theme_follows_the_system_and_can_be_switched(browser: Browser, folder: Path) -> None:
    watched = Watched(browser, folder / "full.html", 1440, "dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = watched.page.evaluate(ground)
    other = f"() => {ground} !== '{dark}'"
    watched.page.locator("#theme").click()
    watched.page.wait_for_function(other)
    watched.page.reload()
    watched.page.wait_for_function(other)
    assert watched.said == []


def test_a_folded_part_of_the_prompt_opens(report: Watched) -> None:
    button = report.page.locator(".fold button").first
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(report.page.locator("#fold-1-2")).to_be_visible()


def test_the_index_sorts_by_effect_with_the_unmeasured_last(browser: Browser, folder: Path) -> None:
    watched = Watched(browser, folder / "index.html", 1440, "light")
    head = watched.page.locator("#ledger th", has_text="effect")
    head.get_by_role("button").click()
    cells = watched.page.locator("#ledger tbody td:nth-child(5)").all()
    values = [cell.get_attribute("data-v") for cell in cells]
    measured = [float(value) for value in values if value]
    assert measured == sorted(measured, reverse=True)
    assert values[len(measured) :] == [""] * (len(values) - len(measured))
