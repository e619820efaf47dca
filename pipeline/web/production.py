"""What the routes of the production loop share: its stores, its one way to answer, its chat.

`ProductionDoor` is what the app is given; without one the routes say that nothing is set up.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastapi import HTTPException

from prompt_lab.clock import utc_now
from prompt_lab.errors import UsageError
from prompt_lab.ports.trace_store import ReviewStore, TraceStore
from prompt_lab.prompts.snapshots import Actor, PromotionRefused
from prompt_lab.report.review_page import Notice
from prompt_lab.report.review_plot import MeasuredVersionChange
from prompt_lab.reviews import Item, ItemState, ItemType, ReviewSession
from prompt_lab.store.files import append_row, disk_errors
from prompt_lab.store.layout import Lab

CONFIG_KEY = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
MOST_CONFIG_CHARACTERS = 20_000
MOST_NOTICES = 200


class WebAnswer(NamedTuple):
    """What a person answered on the page or over the API, and what they were shown."""

    session_id: str
    shown_sha256: str
    words: str
    actor: Actor
    reason: str = ""
    """Why something is forced; '' for other answers."""


class AnswerResult(NamedTuple):
    """What came of it, in one or a few sentences."""

    text: str
    is_refused: bool = False


class AnswerFunction(Protocol):
    """The one path of all answers, the same as for replies in a chat."""

    def __call__(self, answer: WebAnswer) -> AnswerResult:
        """Carry out what the words say. Raises LabError where it cannot."""


@dataclass(frozen=True)
class ProductionDoor:
    """The production loop as the web app uses it."""

    traces: TraceStore
    reviews: ReviewStore
    answer: AnswerFunction
    measure: Callable[[], Sequence[MeasuredVersionChange]] = tuple
    receive_webhook: Callable[[Mapping[str, Any]], None] | None = None
    """Takes a notification of a chat; None where no chat with a webhook is set up."""


class Notices:
    """What the last answer of a login did, until its page has shown it."""

    def __init__(self) -> None:
        self._notices: dict[str, Notice] = {}
        self._lock = threading.Lock()

    def keep(self, session: str, notice: Notice) -> None:
        """Keep it for the next page of that login."""
        with self._lock:
            self._notices[session] = notice
            while len(self._notices) > MOST_NOTICES:
                self._notices.pop(next(iter(self._notices)))

    def take(self, session: str) -> Notice | None:
        """The notice, once."""
        with self._lock:
            return self._notices.pop(session, None)


def find_review(reviews: ReviewStore, session_id: str) -> ReviewSession:
    """One session. Raises HTTPException with 404."""
    found = None if "\0" in session_id else reviews.read_session(session_id)
    if found is None:
        raise HTTPException(404, "There is no review with that id.")
    return found


def set_config(lab: Lab, reviews: ReviewStore, values: Mapping[str, Any], actor: Actor) -> None:
    """Write agent_config, each change noted in reviews/config_changes.jsonl. Raises UsageError."""
    texts = {key: json.dumps(value) for key, value in values.items()}
    for key, text in texts.items():
        if not CONFIG_KEY.fullmatch(key):
            raise UsageError(f"{key[:80]!r} is no key of a setting: use letters, digits and _.:/-")
        if len(text) > MOST_CONFIG_CHARACTERS:
            raise UsageError(f"{key}: the value has over {MOST_CONFIG_CHARACTERS:,} characters.")
    before = reviews.read_config()
    for key, text in texts.items():
        row = {
            "when": utc_now(),
            "by": actor.name,
            "actor": actor.kind.value,
            "key": key,
            "before": before.get(key),
            "after": text,
        }
        with disk_errors(lab.root):
            (lab.root / "reviews").mkdir(parents=True, exist_ok=True)
        append_row(lab.root / "reviews" / "config_changes.jsonl", row)
        reviews.write_config(key, text)


def apply_setting(
    lab: Lab, door: ProductionDoor, session: ReviewSession, item_id: int, actor: Actor
) -> AnswerResult:
    """Write the setting of a flagged item. Raises HTTPException with 404, PromotionRefused."""
    item = next((one for one in session.items if one.id == item_id), None)
    if item is None:
        raise HTTPException(404, f"The review has no item {item_id}.")
    if item.type is not ItemType.CONFIG_CHANGE or not item.config_key:
        raise PromotionRefused(f"Item {item_id} is no setting.")
    if item.state is ItemState.DEPLOYED:
        raise PromotionRefused(f"Item {item_id} was applied already.")
    set_config(lab, door.reviews, {item.config_key: item.config_value}, actor)
    done = _note_applied(session, item, actor)
    if not door.reviews.move_session(done, expected=session.status):
        return AnswerResult(f"{item.config_key} was set; another answer came at the same time.")
    return AnswerResult(f"{item.config_key} was set to {json.dumps(item.config_value)}.")


def _note_applied(session: ReviewSession, item: Item, actor: Actor) -> ReviewSession:
    note = f"applied by {actor.name}"
    changed = item.model_copy(update={"state": ItemState.DEPLOYED, "note": note})
    items = tuple(changed if one.id == item.id else one for one in session.items)
    return session.model_copy(update={"items": items})
