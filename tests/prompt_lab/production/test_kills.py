"""Notification, approval and deployment are killed at each write, and then repeated."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.chat.terminal import TerminalChat
from prompt_lab.errors import ChatBusy, ChatOutcomeUnknown
from prompt_lab.ports.chat import ChatMessage
from prompt_lab.production.deploy import ItemDeployer, resume_deployments
from prompt_lab.production.notify import answer_chat, answer_message, notify_session
from prompt_lab.production.session_files import OutboxRow, ReplyRow, SessionFiles
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRecord
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.files import read_rows
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.prompt_lab.production.fakes import CHAT, NOW, MemoryChat
from tests.prompt_lab.production.reviews import (
    find_verdict,
    make_session,
    open_context,
    open_registry,
)

MESSAGE = ChatMessage("IN1", CHAT, "ann@c.us", "deploy all")
Die = Callable[[], None]


class DyingFiles(SessionFiles):
    """Counts a point before and after each write."""

    def __init__(self, root: Path, die: Die) -> None:
        super().__init__(root)
        self._die = die

    def write(self, session: ReviewSession, folder: Path | None = None) -> Path:
        self._die()
        made = super().write(session, folder)
        self._die()
        return made

    def add_reply(self, row: ReplyRow) -> None:
        super().add_reply(row)
        self._die()

    def add_sending(self, row: OutboxRow) -> None:
        super().add_sending(row)
        self._die()


class DyingPrompts(PromptFiles):
    """Counts a point before and after each move of the pointer."""

    def __init__(self, root: Path, die: Die) -> None:
        super().__init__(root)
        self._die = die

    def move_pointer(self, row: PromotionRecord) -> None:
        self._die()
        super().move_pointer(row)
        self._die()


def run_day(root: Path, die: Die = lambda: None) -> None:
    """Notify and answer as one run of the day does; each part may be repeated."""
    context = open_context(root, files=DyingFiles(root / "reviews", die))
    deployer = ItemDeployer(PromptRegistry(DyingPrompts(root / "prompts", die), find_verdict))

    def write(_: str) -> None:
        die()

    chat = TerminalChat(root / "sent.jsonl", write, chat_id=CHAT, now=lambda: NOW)
    notify_session(make_session(), chat, context)
    answer_message(MESSAGE, chat, deployer, context)
    resume_deployments(deployer, context)


def kill_at(root: Path, point: int) -> bool:
    """Run in a fork that is killed at the point; whether it came so far."""
    count = 0

    def die() -> None:
        nonlocal count
        count += 1
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        code = 1
        try:
            run_day(root, die)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_kill_anywhere_leaves_one_message_and_one_promotion(tmp_path: Path) -> None:
    point, was_killed = 1, True
    while was_killed:
        root = tmp_path / str(point)
        root.mkdir()
        registry = open_registry(root)
        was_killed = kill_at(root, point)
        run_day(root)
        sent = [row["text"] for row in read_rows(root / "sent.jsonl")]
        assert len(sent) == len(set(sent)) == 2, point
        kinds = [row.kind for row in registry.files.read_journal()]
        assert kinds.count(PromotionKind.PROMOTE) == 2, point
        (session,) = SessionFiles(root / "reviews").list_sessions()
        assert session.status is SessionStatus.DEPLOYED, point
        point += 1
    assert point > 20


def test_one_message_a_day_and_a_chat_that_is_down(tmp_path: Path) -> None:
    context, chat = open_context(tmp_path), MemoryChat()
    chat.fault = ChatBusy("quota")
    first = notify_session(make_session(), chat, context)
    assert not first.is_sent
    assert first.session.reason == "quota"
    assert first.session.status is SessionStatus.PENDING
    chat.fault, chat.is_taken_before_fault = ChatOutcomeUnknown("lost"), True
    assert not notify_session(make_session(), chat, context).is_sent
    chat.fault = None
    assert notify_session(make_session(), chat, context).is_sent
    assert notify_session(make_session(), chat, context).is_sent
    assert len(chat.sent) == 1
    other = notify_session(make_session(id="s2"), chat, context)
    assert not other.is_sent
    assert "was sent already" in other.reason
    assert len(chat.sent) == 1


def test_answers_the_queue_in_order_and_once(tmp_path: Path) -> None:
    context, chat = open_context(tmp_path), MemoryChat()
    deployer = ItemDeployer(open_registry(tmp_path))
    notify_session(make_session(), chat, context)
    texts = ["show item 3", "what a nice day", "deploy 3", "deploy 3"]
    ids = ["A", "B", "C", "C"]
    chat.queue = [
        ChatMessage(one, CHAT, "ann@c.us", text, quoted="OUT1", receipt=str(number))
        for number, (one, text) in enumerate(zip(ids, texts, strict=True))
    ]
    assert answer_chat(chat, deployer, context) == 4
    assert [text.split("\n")[0] for _, text, _ in chat.sent[1:]] == ["[3] t3", "Deployed: 3."]


@pytest.mark.parametrize("limit", [300, 20_000])
def test_channel_that_cannot_hold_the_message_is_a_reason(tmp_path: Path, limit: int) -> None:
    context, chat = open_context(tmp_path), MemoryChat()
    chat.limit = limit
    done = notify_session(make_session(), chat, context)
    assert done.is_sent == (limit == 20_000)
    assert done.is_sent or "Answer it on the page" in done.session.reason
