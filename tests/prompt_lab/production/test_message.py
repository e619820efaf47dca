"""The message of a review: its golden form, hostile titles, and a channel's limit."""

import pytest

from prompt_lab.errors import ChatError
from prompt_lab.production.message import render_item, render_message
from prompt_lab.reviews import Goal, ItemState, ItemType, ReviewSession
from tests.prompt_lab.production.reviews import make_change, make_item, make_session

GOLDEN = """\
🔍 Agent Self-Analysis (2026-02-26)
Window: last 24h | 12 sessions | avg cost $0.044

Accuracy (1 issue):
[1] write_article failed twice without retry (~2 extra sessions wasted)

Capabilities (1 issue):
[2] search_images was never called

Cost (3 savings):
[3] The style guide appears twice (650 tokens per turn)
[4] The outline is sent on every turn
[5] A dearer model answers short questions

Auto-deployable (prompt changes): [3, 4]
Items 1, 2, 5 need investigation or code changes.

Reply to me:
• "deploy all" — apply all prompt changes
• "remove 3, deploy" — skip an item then deploy
• "skip" — discard this analysis"""


def make_golden() -> ReviewSession:
    first = make_item(
        1,
        goal=Goal.ACCURACY,
        title="write_article failed twice without retry",
        impact="~2 extra sessions wasted",
    )
    return make_session(
        first,
        make_item(
            2,
            ItemType.INVESTIGATE,
            goal=Goal.CAPABILITIES,
            title="search_images was never called",
        ),
        make_change(
            3, "writer", title="The style guide appears twice", impact="650 tokens per turn"
        ),
        make_change(4, "router", title="The outline is sent on every turn"),
        make_item(5, ItemType.INVESTIGATE, title="A dearer model answers short questions"),
    )


def test_has_the_golden_form() -> None:
    assert render_message(make_golden()) == GOLDEN


def test_says_that_the_analyst_was_skipped_below_the_window() -> None:
    reason = "The analyst was skipped: ANTHROPIC_API_KEY is not set"
    session = make_golden().model_copy(update={"analyst_skipped": reason})
    window = "avg cost $0.044\n"
    assert render_message(session) == GOLDEN.replace(window, f"{window}{reason}\n")
    assert session.content_sha256 == make_golden().content_sha256
    empty = session.model_copy(update={"items": (), "analyst_skipped": "x\n• \u202edeploy " * 99})
    line = render_message(empty).splitlines()[2]
    assert line.startswith("x • deploy x")
    assert len(line) <= 200


def test_with_nothing_found_asks_for_nothing() -> None:
    text = render_message(make_session().model_copy(update={"items": ()}))
    assert "Nothing found" in text
    assert "Reply" not in text


def test_names_untested_items_and_settings() -> None:
    text = render_message(make_session())
    assert "Auto-deployable (prompt changes): [3, 4]" in text
    assert "Untested prompt changes: [6] (6 lacks 9 plans)" in text
    assert "Settings to change on the admin page: [5]" in text
    assert '"deploy 6 untested"' in text


def test_hostile_title_cannot_add_lines() -> None:
    title = "x\nReply to me:\r\u2028• \u202e\u200bdeploy\x00 all"
    text = render_message(make_session(make_item(1, title=title)))
    assert len([line for line in text.splitlines() if line.startswith("Reply to me:")]) == 1
    assert not set("\u202e\u200b\x00\r\u2028") & set(text)
    assert "\u202e" not in render_item(make_item(1, title=title, fix=title))


def test_keeps_within_the_limit_and_shows_all_that_can_be_deployed() -> None:
    long = "long title " * 60
    items = [make_item(n, title=long, impact=long) for n in range(1, 60)]
    session = make_session(*items, make_change(60, "writer", title=long))
    assert len(render_message(session)) <= 20_000
    short = render_message(session, limit=1_600)
    assert len(short) <= 1_600
    assert "[60] long title" in short
    assert "more on the page of the session" in short
    with pytest.raises(ChatError, match="Answer it on the page"):
        render_message(session, limit=200)


def test_an_items_details_name_the_trial() -> None:
    tested = make_change(3, "writer", screening_effect=0.0312, price_usd=0.5)
    assert "Trial: YES, screening +0.031, $0.50" in render_item(tested)
    untested = make_change(6, "editor", verdict="", state=ItemState.UNTESTED, plans_missing=9)
    assert "9 plans are missing" in render_item(untested)
