"""The review pages in a real browser: quiet, inert, they fit, and a click deploys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipeline.web.keys import WebKeys
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_verdicts import open_registry
from tests.browser.test_web_app import WatchedPage
from tests.pipeline.web.labs import ID
from tests.pipeline.web.review_labs import TESTED, make_review_lab, read_status
from tests.pipeline.web.served import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reviews") / "lab"


@pytest.fixture(scope="module")
def session(lab: Path) -> ReviewSession:
    return make_review_lab(lab)


@pytest.fixture(scope="module")
def address(lab: Path, session: ReviewSession) -> Iterator[str]:
    with serving(lab) as (address, _):
        yield address


@pytest.mark.parametrize("width", [390, 1280])
def test_review_pages_are_quiet_fit_and_keep_markup_inert(
    browser: Browser, address: str, session: ReviewSession, width: int
) -> None:
    watched = WatchedPage(browser, address, width)
    for path in ("/reviews", f"/reviews/{session.id}", "/traces?id=t1"):
        watched.open(path)
        assert watched.overflow == 0, path
        assert watched.page.title() != "owned", path
        assert watched.page.locator("main img, main script").count() == 0, path
    assert watched.said == []


def test_an_item_is_deployed_by_a_click(
    browser: Browser, address: str, session: ReviewSession, lab: Path
) -> None:
    key = WebKeys(Lab(lab)).add("ann", "operator", "2026-03-05T00:00:00Z")
    watched = WatchedPage(browser, address, 1280)
    page = watched.page
    watched.open(f"/login?next=/reviews/{session.id}")
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/reviews/{session.id}")
    page.get_by_role("button", name="Deploy all").first.click()
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text("deployed")
    assert open_registry(Lab(lab)).read_text(ID) == TESTED
    assert read_status(lab, session) is SessionStatus.DEPLOYED
    assert watched.said == []
