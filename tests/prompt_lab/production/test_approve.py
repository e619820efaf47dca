"""Approvals: what is deployed, what is refused with which reason, and no door without a verdict."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.errors import RegistryBusy, RemoteChanged
from prompt_lab.production.agent_tool import call_tool, describe_tool, render_context_block
from prompt_lab.production.approve import answer_reply
from prompt_lab.production.deploy import ItemDeployer, resume_deployments
from prompt_lab.production.notify import notify_session
from prompt_lab.production.review_context import ReviewContext, record_thumb
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import ItemState, ReviewSession, SessionStatus
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.traces import ChannelMessage, Trace
from tests.memory_stores import MemoryTraces
from tests.prompt_lab.production.fakes import NOW, MemoryChat
from tests.prompt_lab.production.reviews import (
    NEW,
    PROMPTS,
    ask,
    list_items,
    make_change,
    make_session,
    open_context,
    open_deployer,
)


class Publisher:
    """A remote registry; raises `fault` while there is one."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.fault: Exception | None = None

    def deploy(self, prompt_id: str, why: PromotionReason) -> object:
        if self.fault:
            raise self.fault
        self.published.append(prompt_id)
        return why


@pytest.fixture
def context(tmp_path: Path) -> ReviewContext:
    made = open_context(tmp_path)
    notify_session(make_session(), MemoryChat(), made)
    return made


@pytest.fixture
def remote() -> Publisher:
    return Publisher()


@pytest.fixture
def deployer(tmp_path: Path, remote: Publisher) -> ItemDeployer:
    return open_deployer(tmp_path, live=remote)


def read_session(context: ReviewContext, session_id: str = "s1") -> ReviewSession:
    session = context.files.read(session_id)
    assert session is not None
    assert context.reviews.read_session(session_id) == session
    return session


def list_moves(deployer: ItemDeployer) -> list[Any]:
    rows = deployer.registry.files.read_journal()
    return [row for row in rows if row.kind is not PromotionKind.IMPORT]


def test_deploys_all_with_verdicts_and_the_person(
    context: ReviewContext, deployer: ItemDeployer, remote: Publisher
) -> None:
    answer = answer_reply(ask("deploy all"), deployer, context)
    assert answer.text.startswith("Deployed: 3, 4.")
    assert deployer.registry.read_text("writer") == NEW["writer"]
    rows = list_moves(deployer)
    assert [row.kind for row in rows] == [PromotionKind.PROMOTE] * 2
    assert rows[0].verdicts == {"writer": "YES/writer"}
    assert {row.actor.name for row in rows} == {"ann@c.us"}
    assert deployer.registry.read_text("editor") == PROMPTS["editor"]
    assert read_session(context).status is SessionStatus.DEPLOYED
    assert remote.published == ["writer", "router"]


def test_removed_item_stays(context: ReviewContext, deployer: ItemDeployer) -> None:
    answer_reply(ask("remove 3, deploy"), deployer, context)
    assert deployer.registry.read_text("writer") == PROMPTS["writer"]
    assert deployer.registry.read_text("router") == NEW["router"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("deploy 1", "needs a change of code"),
        ("deploy 2", "needs an investigation"),
        ("deploy 5", "change it on the admin page"),
        ("deploy 6", "has no YES verdict"),
        ("deploy 3 and 6", "has no YES verdict"),
        ("deploy 9", "There is no item 9"),
        ("deploy 5 untested", "admin page"),
        ("deploy 3 untested", "has a YES verdict"),
        ("delpoy 3", "Please answer"),
    ],
)
def test_nothing_moves(
    context: ReviewContext, deployer: ItemDeployer, text: str, reason: str
) -> None:
    assert reason in answer_reply(ask(text), deployer, context).text
    assert list_moves(deployer) == []
    assert read_session(context).status is SessionStatus.PENDING


def test_untested_item_is_forced_by_the_named_person(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    answer_reply(ask("deploy 6 untested"), deployer, context)
    (row,) = list_moves(deployer)
    assert (row.kind, row.actor.name, row.forced) == (
        PromotionKind.FORCE,
        "ann@c.us",
        ("editor",),
    )
    assert read_session(context).status is SessionStatus.PARTLY_DEPLOYED


def test_a_replay_and_a_second_person_change_nothing(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    first = answer_reply(ask("deploy all"), deployer, context)
    again = answer_reply(ask("deploy all"), deployer, context)
    assert again.is_repeated
    assert again.text == first.text
    second = answer_reply(ask("deploy all", 2, person="bob@c.us"), deployer, context)
    assert second.is_refused
    assert "answered already by 'ann@c.us'" in second.text
    assert answer_reply(ask("skip", 3), deployer, context).is_refused
    assert len(list_moves(deployer)) == 2


def test_strangers_get_no_answer(context: ReviewContext, deployer: ItemDeployer) -> None:
    assert answer_reply(ask("deploy all", chat="other@c.us"), deployer, context).text == ""
    limited = context._replace(people=frozenset({"bob@c.us"}))
    assert answer_reply(ask("deploy all"), deployer, limited).text == ""
    nowhere = context._replace(chat_id="")
    assert answer_reply(ask("deploy all", chat=""), deployer, nowhere).text == ""
    assert list_moves(deployer) == []


def test_stale_and_foreign_replies_are_refused(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    session = read_session(context)
    foreign = answer_reply(ask("deploy all", 1, quoted="OTHER"), deployer, context)
    assert "no review of mine" in foreign.text
    early = ask("deploy all", 2, time="2026-02-26T05:00:00.000Z")
    assert "written before the review" in answer_reply(early, deployer, context).text
    items = (*session.items[:2], make_change(3, "writer", title="other"), *session.items[3:])
    context.save(session.model_copy(update={"items": items}))
    changed = answer_reply(ask("deploy all", 3), deployer, context)
    assert "has changed since it was shown" in changed.text
    page = {"door": "web", "session_id": "s1"}
    unbound = answer_reply(ask("deploy all", 4, **page), deployer, context)
    assert unbound.is_refused
    assert list_moves(deployer) == []


def test_expired_session_is_refused_though_quoted(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    later = make_session(id="s2", created_at="2026-02-27T06:00:00.000Z")
    notify_session(later, MemoryChat(), context)
    old = read_session(context)
    assert old.status is SessionStatus.EXPIRED
    request = ask("deploy all", quoted="OUT1")
    context.files.find_shown("OUT1")
    page = request._replace(door="web", session_id="s1", shown_sha256=old.content_sha256)
    assert "has expired" in answer_reply(page, deployer, context).text
    assert list_moves(deployer) == []


def test_guard_refuses_one_item_and_the_others_go_on(
    tmp_path: Path, deployer: ItemDeployer
) -> None:
    context = open_context(tmp_path)
    bad = make_change(3, "writer", prompt_text="other text", base_sha256="")
    stale = make_change(7, "editor", base_sha256="0" * 64)
    twice = make_change(8, "router")
    session = make_session(bad, make_change(4, "router"), stale, twice)
    notify_session(session, MemoryChat(), context)
    text = answer_reply(ask("deploy all"), deployer, context).text
    states = {item.id: item.state for item in read_session(context).items}
    assert states[4] is ItemState.DEPLOYED
    assert [states[n] for n in (3, 7, 8)] == [ItemState.REFUSED] * 3
    assert "about another text" in text
    assert "changed since the review" in text
    assert "item 4 has changed 'router'" in text
    assert read_session(context).status is SessionStatus.PARTLY_DEPLOYED


def test_registry_that_is_down_is_tried_again(
    context: ReviewContext, deployer: ItemDeployer, remote: Publisher
) -> None:
    remote.fault = RegistryBusy("no connection")
    text = answer_reply(ask("deploy 3"), deployer, context).text
    session = read_session(context)
    assert session.status is SessionStatus.PENDING
    assert "no connection" in session.reason
    assert "will be tried again" in text
    second = answer_reply(ask("deploy all", 2), deployer, context)
    assert "approved already" in second.text
    remote.fault = None
    (resumed,) = resume_deployments(deployer, context)
    assert resumed.items[2].state is ItemState.DEPLOYED
    assert resumed.reason == ""
    assert len(list_moves(deployer)) == 1
    assert resume_deployments(deployer, context) == []


def test_remote_that_a_person_changed_is_said(
    context: ReviewContext, deployer: ItemDeployer, remote: Publisher
) -> None:
    remote.fault = RemoteChanged("changed by hand")
    assert "changed by hand" in answer_reply(ask("deploy all"), deployer, context).text
    assert read_session(context).status is SessionStatus.PARTLY_DEPLOYED


def test_rollback_takes_back_the_review_once(
    context: ReviewContext, deployer: ItemDeployer, remote: Publisher
) -> None:
    nothing = answer_reply(ask("rollback", 1), deployer, context)
    assert nothing.is_refused
    answer_reply(ask("deploy all", 2), deployer, context)
    answer = answer_reply(ask("rollback", 3), deployer, context)
    assert answer.text.startswith("Rolled back router, writer")
    assert deployer.registry.read_text("writer") == PROMPTS["writer"]
    assert remote.published[2:] == ["router", "writer"]
    assert "would undo that too" in answer_reply(ask("rollback", 4), deployer, context).text


def test_run_feedback_and_poison(context: ReviewContext, deployer: ItemDeployer) -> None:
    thumbs: list[tuple[str, str, str]] = []

    def give(*row: str) -> bool:
        thumbs.append((row[0], row[1], row[2]))
        return True

    full = context._replace(start_review=lambda key: f"Started {key}.", give_feedback=give)
    assert answer_reply(ask("run optimization"), deployer, full).text == "Started chat IN1."
    answer_reply(ask("👎", 2, quoted="MSG"), deployer, full)
    assert thumbs == [("MSG", "down", "ann@c.us")]

    def fail(key: str) -> str:
        raise ZeroDivisionError(key)

    broken = context._replace(start_review=fail)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            answer_reply(ask("run optimization", 3), deployer, broken)
    assert "put aside" in answer_reply(ask("run optimization", 3), deployer, broken).text


def test_rollback_finds_what_was_forced_with_a_reason(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    forced = ask("deploy 6 untested", 1, reason="the article is wrong")
    assert "Deployed: 6" in answer_reply(forced, deployer, context).text
    answer = answer_reply(ask("rollback", 2), deployer, context)
    assert answer.text.startswith("Rolled back editor")
    assert deployer.registry.read_text("editor") == PROMPTS["editor"]


@pytest.mark.parametrize("thumb", ["👍", "👎"])
def test_thumb_is_feedback_for_the_trace_of_the_quoted_message_and_deploys_nothing(
    context: ReviewContext, deployer: ItemDeployer, thumb: str
) -> None:
    traces = MemoryTraces(Trace(trace_id=one, created_at=NOW) for one in ("t1", "t2"))
    traces.add_messages(
        [ChannelMessage(created_at=NOW, trace_id="t1", channel_message_id="ANSWER")]
    )
    full = context._replace(give_feedback=partial(record_thumb, traces))
    before, prompt = read_session(full), deployer.registry.read_text("writer")
    review = read_session(full).message_id
    assert review
    quotes = ("ANSWER", "ANSWER", "t2", "unknown", review, "")
    for number, quoted in enumerate(quotes):
        assert answer_reply(ask(thumb, number, quoted=quoted), deployer, full).text == ""
    stranger = ask(thumb, 9, quoted="ANSWER", chat="another@g.us")
    assert answer_reply(stranger, deployer, full).is_refused
    name = {"👍": "up", "👎": "down"}[thumb]
    assert [(one.trace_id, one.thumb, one.channel_user_id) for one in traces.feedback] == [
        ("t1", name, "ann@c.us"),
        ("t2", name, "ann@c.us"),
    ]
    assert read_session(full) == before
    assert deployer.registry.read_text("writer") == prompt


def test_agent_tool_is_bound_and_never_forces(
    context: ReviewContext, deployer: ItemDeployer
) -> None:
    block = render_context_block(context)
    session = read_session(context)
    assert session.content_sha256 in block
    names = describe_tool()["function"]["parameters"]["properties"]
    assert set(names) == {"action", "items", "session", "shown"}

    def call(number: int, person: str = "ann", **arguments: Any) -> str:
        return call_tool(f"c{number}", arguments, person, deployer, context)

    assert "changed since it was shown" in call(1, action="deploy")
    shown = {"session": "s1", "shown": session.content_sha256}
    assert "no YES verdict" in call(2, action="deploy", items=[6], **shown)
    assert "arguments are wrong" in call(3, action="deploy", untested=True)
    assert "names no person" in call(4, "", action="deploy", **shown)
    assert "needs items" in call(5, action="show")
    assert list_moves(deployer) == []
    assert call(6, action="show", items=[3]).startswith("[3]")
    assert call(7, action="deploy", items=[3], **shown).startswith("Deployed: 3.")
    assert [row.kind for row in list_moves(deployer)] == [PromotionKind.PROMOTE]


def test_verdict_of_another_text_deploys_nothing(tmp_path: Path, deployer: ItemDeployer) -> None:
    """Whatever a session claims, the registry looks the verdict up."""
    context = open_context(tmp_path)
    forged = make_change(6, "editor", prompt_text=NEW["editor"] + " Obey.", verdict_id="YES/editor")
    unknown = make_change(3, "writer", verdict_id="YES/none")
    notify_session(make_session(forged, unknown), MemoryChat(), context)
    answer_reply(ask("deploy all"), deployer, context)
    assert list_moves(deployer) == []
    assert len(list_items()) == 6
