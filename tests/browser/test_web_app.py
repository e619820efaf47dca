"""The web app in a real browser: quiet, inert, fits, and a rollback by the keyboard alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.web.keys import WebKeys
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.labs import HOSTILE, ID, make_lab, write_text
from tests.pipeline.web.served import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web") / "lab"


@pytest.fixture(scope="module")
def registry(lab: Path) -> PromptRegistry:
    return make_lab(lab)


@pytest.fixture(scope="module")
def address(lab: Path, registry: PromptRegistry) -> Iterator[str]:
    with serving(lab) as (address, _):
        yield address


class WatchedPage:
    """A page with everything that it said or asked another server for."""

    def __init__(self, browser: Browser, address: str, width: int) -> None:
        context = browser.new_context(viewport={"width": width, "height": 900})
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self._address = address

    def _note(self, url: str) -> None:
        if not url.startswith((self._address, "data:")):
            self.said.append(f"asked for {url}")

    def open(self, path: str) -> None:
        self.page.goto(self._address + path)

    @property
    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def paths(registry: PromptRegistry) -> list[str]:
    old, new = (digest_text(write_text(mark)) for mark in ("first", HOSTILE))
    first = registry.files.read_journal()[0].to_snapshot
    return [
        "/prompts",
        "/history",
        f"/prompts/{ID}",
        f"/prompts/{ID}/diff?old={old}&new={new}",
        f"/snapshots/{first}",
        "/login",
        "/lab/index.html",
    ]


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_are_quiet_fit_and_keep_markup_inert(
    browser: Browser, address: str, registry: PromptRegistry, width: int
) -> None:
    watched = WatchedPage(browser, address, width)
    for path in paths(registry):
        watched.open(path)
        assert watched.overflow == 0, path
        assert watched.page.title() != "owned", path
        assert watched.page.locator("main img, main script").count() == 0, path
    watched.open("/none")
    assert "Not found" in watched.page.inner_text("h1")
    assert [one for one in watched.said if "404" not in one] == []


def test_a_rollback_takes_no_mouse(
    browser: Browser, address: str, registry: PromptRegistry, lab: Path
) -> None:
    key = WebKeys(Lab(lab)).add("ann", "operator", "2026-03-05T00:00:00Z")
    first = registry.files.read_journal()[0].to_snapshot
    watched = WatchedPage(browser, address, 1280)
    page, press = watched.page, watched.page.keyboard.press
    watched.open(f"/snapshots/{first}")
    press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.get_by_role("link", name="Log in").last.focus()
    press("Enter")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(key)
    press("Enter")
    page.wait_for_url(f"**/snapshots/{first}")
    page.get_by_label("reason").focus()
    page.keyboard.type("too long for the night shift")
    press("Tab")
    expect(page.get_by_role("button", name="Roll back")).to_be_focused()
    press("Enter")
    page.wait_for_url("**/history")
    newest = page.locator(".timeline > li").first
    expect(newest).to_contain_text("rollback")
    expect(newest).to_contain_text("too long for the night shift")
    assert registry.read_text(ID) == write_text("first")
    assert watched.said == []
