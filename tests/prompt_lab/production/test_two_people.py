"""Two people answer one review at once, each in a process of their own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.production.approve import answer_reply
from prompt_lab.production.notify import notify_session
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import ItemState, SessionStatus
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from tests.prompt_lab.production.fakes import MemoryChat
from tests.prompt_lab.production.reviews import (
    ask,
    make_session,
    open_context,
    open_deployer,
    open_registry,
)

PEOPLE = ("ann@c.us", "bob@c.us")


def answer_in_child(root: Path, number: int, words: str, barrier: int) -> int:
    """A process that answers once the barrier is opened, and writes what it was told."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        reviews = open_stores(Lab(root)).reviews
        context, deployer = open_context(root, reviews=reviews), open_deployer(root)
        request = ask(words, number, person=PEOPLE[number])
        os.read(barrier, 1)
        answer = answer_reply(request, deployer, context)
        told = {"text": answer.text, "is_refused": answer.is_refused}
        (root / f"told_{number}.json").write_text(json.dumps(told))
        code = 0
    finally:
        os._exit(code)


def answer_at_once(root: Path, *words: str) -> list[dict[str, Any]]:
    closed, opened = os.pipe()
    children = [answer_in_child(root, n, text, closed) for n, text in enumerate(words)]
    os.write(opened, b"x" * len(children))
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(closed)
    os.close(opened)
    return [json.loads((root / f"told_{n}.json").read_text()) for n in range(len(words))]


@pytest.mark.parametrize("words", [("deploy all", "deploy all"), ("deploy all", "skip")])
def test_one_of_two_wins_and_the_other_is_told_why(tmp_path: Path, words: tuple[str, str]) -> None:
    registry, store = open_registry(tmp_path), open_stores(Lab(tmp_path)).reviews
    context = open_context(tmp_path, reviews=store)
    session = notify_session(make_session(), MemoryChat(), context).session
    told = answer_at_once(tmp_path, *words)
    refused = [one["is_refused"] for one in told]
    assert sorted(refused) == [False, True], told
    winner = PEOPLE[refused.index(False)]
    assert f"by '{winner}'" in told[refused.index(True)]["text"]

    kept = SessionFiles(tmp_path / "reviews").read(session.id)
    assert kept is not None
    assert kept.approved_by == winner
    assert kept == store.read_session(session.id)
    kinds = [row.kind for row in registry.files.read_journal()]
    deployed = [item.id for item in kept.items if item.state is ItemState.DEPLOYED]
    if words[refused.index(False)] == "skip":
        assert kept.status is SessionStatus.REJECTED
        assert (deployed, kinds.count(PromotionKind.PROMOTE)) == ([], 0)
    else:
        assert (deployed, kinds.count(PromotionKind.PROMOTE)) == ([3, 4], 2)
