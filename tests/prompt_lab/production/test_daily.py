"""A review from its message to the deployment, with a chat that lives as long as the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prompt_lab.errors import ChatBusy, ChatError
from prompt_lab.ports.chat import ChatMessage
from prompt_lab.production.daily import (
    ReviewDoors,
    deploy_approvals,
    describe_dry_run,
    describe_review,
    notify_review,
)
from prompt_lab.production.review_items import (
    ReviewAnalysis,
    TriedItems,
    analyse,
    build_session,
    run_trials,
)
from prompt_lab.production.review_run import (
    ANALYSIS,
    NOTIFIED,
    TRIALS,
    ReviewRun,
    detect,
    observe,
)
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import Item, ItemState, SessionStatus
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.production.review_world import make_context, make_run

CHAT_ID = "the chat"


class QueueChat:
    """A chat in memory; `is_down` refuses to send."""

    limit = 20_000

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.queue: list[ChatMessage] = []
        self.is_down = False

    def send(self, text: str, *, quoted: str = "") -> str:
        del quoted
        if self.is_down:
            raise ChatBusy("the chat does not answer")
        self.sent.append(text)
        return f"sent {len(self.sent)}"

    def find_sent(self, text: str, *, since: str) -> str:
        del since
        return f"sent {self.sent.index(text) + 1}" if text in self.sent else ""

    def receive(self, *, wait_seconds: float = 0.0) -> Iterator[ChatMessage]:
        del wait_seconds
        while self.queue:
            yield self.queue[0]

    def acknowledge(self, message: ChatMessage) -> None:
        self.queue = [one for one in self.queue if one.id != message.id]

    def say(self, text: str, *, sender: str = "Ada", chat: str = CHAT_ID) -> None:
        number = f"in {len(self.queue) + len(self.sent)}"
        self.queue.append(ChatMessage(id=number, chat=chat, sender=sender, text=text))


@pytest.fixture
def chat() -> QueueChat:
    return QueueChat()


@pytest.fixture
def review(tmp_path: Path) -> ReviewRun:
    """A review that is ready to be sent; no item is tried, since a margin of 1 % takes more."""
    run = make_run(make_context(tmp_path, harm_margin=0.01))
    observe(run)
    detect(run)
    analyse(run)
    assert list(run_trials(run)) == []
    return run


def doors(chat: QueueChat) -> ReviewDoors:
    return ReviewDoors(chat, chat_id=CHAT_ID)


def texts(run: ReviewRun) -> list[PromotionKind]:
    return [row.kind for row in open_registry(run.context.lab).files.read_journal()]


def find_saving(run: ReviewRun) -> Item:
    [item] = [one for one in build_session(run).items if one.detector == "repeated_blocks"]
    return item


def test_one_message_a_review_whatever_is_repeated(review: ReviewRun, chat: QueueChat) -> None:
    first = notify_review(review, doors(chat))
    assert notify_review(review, doors(chat)).session_id == first.session_id
    [text] = chat.sent
    assert text.startswith("🔍 Agent Self-Analysis (2026-02-15)")
    assert "Untested prompt changes" in text
    kept = review.reviews.read_session(first.session_id)
    assert kept is not None
    assert (kept.status, kept.message_id) == (SessionStatus.PENDING, "sent 1")
    assert text.splitlines()[0] in describe_review(review)


def test_a_chat_that_is_down_leaves_the_session_pending_and_is_retried(
    review: ReviewRun, chat: QueueChat
) -> None:
    chat.is_down = True
    with pytest.raises(ChatError, match=r"does not answer.*the same command sends it"):
        notify_review(review, doors(chat))
    assert not (review.folder / NOTIFIED).exists()
    kept = review.reviews.read_session(build_session(review).id)
    assert kept is not None
    assert (kept.status, "does not answer" in kept.reason) == (SessionStatus.PENDING, True)
    chat.is_down = False
    notify_review(review, doors(chat))
    assert len(chat.sent) == 1


def test_an_untested_item_is_deployed_by_no_reply_but_the_one_that_forces_it(
    review: ReviewRun, chat: QueueChat
) -> None:
    notify_review(review, doors(chat))
    item = find_saving(review)
    for words in ("deploy all", f"deploy {item.id}", "deploy"):
        chat.say(words)
        deploy_approvals(review, doors(chat))
    chat.say(f"deploy {item.id} untested", chat="another chat")
    deploy_approvals(review, doors(chat))
    assert texts(review) == [PromotionKind.IMPORT]
    chat.say(f"deploy {item.id} untested")
    done = deploy_approvals(review, doors(chat))
    assert texts(review) == [PromotionKind.IMPORT, PromotionKind.FORCE]
    [row] = open_registry(review.context.lab).files.read_journal(kind=PromotionKind.FORCE)
    assert (row.actor.name, row.forced) == ("Ada", (PROMPT_ID,))
    assert "Deployed" in done.answers[-1]
    deploy_approvals(review, doors(chat))
    assert texts(review) == [PromotionKind.IMPORT, PromotionKind.FORCE]


def test_no_made_up_verdict_id_reaches_production(review: ReviewRun, chat: QueueChat) -> None:
    """The door of the files: a verdict id that the lab does not have is refused."""
    item = find_saving(review)
    claimed = item.model_copy(
        update={"state": ItemState.PENDING, "verdict": "YES", "verdict_id": "7_write_article"}
    )
    known = read_record(review.folder / TRIALS, TriedItems, fix="")
    items = tuple(claimed if one.id == item.id else one for one in known.items)
    write_record(review.folder / TRIALS, known.model_copy(update={"items": items}))
    notify_review(review, doors(chat))
    chat.say("deploy all")
    done = deploy_approvals(review, doors(chat))
    assert texts(review) == [PromotionKind.IMPORT]
    assert "no verdict '7_write_article'" in done.answers[-1]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    run = make_run(make_context(tmp_path))
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    text = describe_dry_run(run)
    assert "is in the prompt blog_writer twice" in text
    assert "A dry run" in text
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    assert run.reviews.list_sessions() == []


def test_a_healthy_day_says_so_and_asks_for_nothing(review: ReviewRun, chat: QueueChat) -> None:
    write_record(review.folder / ANALYSIS, ReviewAnalysis(items=()))
    assert list(run_trials(review)) == []
    notify_review(review, doors(chat))
    [text] = chat.sent
    assert "Nothing found" in text
    assert "Reply to me" not in text
