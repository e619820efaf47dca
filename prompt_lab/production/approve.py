"""Carry out what a person answers to a review, by whichever door: chat, page, API or agent tool.

An answer that changes something is bound to the content hash of what the person was shown. A
request is carried out once by its id; one that was cut off is taken up again when it is repeated.
"""

from prompt_lab.production.binding import (
    CHAT,
    ReplyAnswer,
    ReplyRefused,
    ReplyRequest,
    check_open,
    find_bound,
    is_allowed,
)
from prompt_lab.production.deploy import (
    DECIDED,
    ItemDeployer,
    check_item,
    deploy_approved,
    find_item,
    is_waiting,
    put_item,
    replace_item,
)
from prompt_lab.production.message import list_numbers, render_item, render_message
from prompt_lab.production.replies import ReplyAction, ReviewReply, parse_reply
from prompt_lab.production.review_context import ReviewContext, replace_status
from prompt_lab.production.session_files import ReplyRow
from prompt_lab.production.undo_review import roll_back_review
from prompt_lab.prompts.snapshots import PromotionRefused
from prompt_lab.reviews import Item, ItemState, ItemType, ReviewSession, SessionStatus

_MOST_TRIES = 3
"""Times that a reply is begun before it is put aside: one that kills us must not block the rest."""


def answer_reply(
    request: ReplyRequest, deployer: ItemDeployer, context: ReviewContext
) -> ReplyAnswer:
    """Carry out a request and say what was done. Raises StoreError where the lab cannot be read.

    A stranger gets no answer, and neither does a text that is not about the review.
    """
    is_chat = request.door == CHAT
    if is_chat and not is_allowed(request, context):
        return ReplyAnswer("", is_refused=True)
    reply = request.reply or parse_reply(request.text)
    if reply.action is ReplyAction.NONE:
        return ReplyAnswer("")
    with context.files.hold():
        rows = context.files.read_replies(request.id)
        done = next((row for row in rows if row.state == "answered"), None)
        if done is not None:
            action = ReplyAction(done.action)
            return ReplyAnswer(done.answer, action, done.session_id, done.is_refused, True)
        if len(rows) >= _MOST_TRIES:
            text = f"This reply failed {len(rows)} times and was put aside. Nothing more is done."
            answer = ReplyAnswer(text, reply.action, is_refused=True)
        else:
            context.files.add_reply(_make_row("received", request, reply, ReplyAnswer("")))
            answer = _act(request, reply, deployer, context)
        context.files.add_reply(_make_row("answered", request, reply, answer))
        return answer


def _act(
    request: ReplyRequest, reply: ReviewReply, deployer: ItemDeployer, context: ReviewContext
) -> ReplyAnswer:
    try:
        session = None
        if reply.action is ReplyAction.ASK:
            text = reply.question
        elif reply.action is ReplyAction.RUN:
            text = _start_review(request, context)
        elif reply.action is ReplyAction.FEEDBACK:
            text = _give_feedback(request, reply, context)
        elif reply.action is ReplyAction.ROLLBACK:
            text = roll_back_review(request.id, request.person, deployer, context)
        else:
            session = find_bound(request, reply, context)
            text = _act_on_session(session, request, reply, deployer, context)
    except (ReplyRefused, PromotionRefused) as error:
        return ReplyAnswer(str(error), reply.action, is_refused=True)
    return ReplyAnswer(text, reply.action, session.id if session else "")


def _act_on_session(
    session: ReviewSession,
    request: ReplyRequest,
    reply: ReviewReply,
    deployer: ItemDeployer,
    context: ReviewContext,
) -> str:
    if reply.action is ReplyAction.LIST:
        return render_message(session)
    if reply.action is ReplyAction.SHOW:
        return "\n\n".join(render_item(_require_item(session, one)) for one in reply.items)
    if session.approval_id == request.id:
        return _report(deploy_approved(session, deployer, context))
    check_open(session)
    if reply.action is ReplyAction.SKIP:
        return _skip(session, request, context)
    if reply.action is ReplyAction.REMOVE:
        session = _remove(session, reply.items, request, context)
        return f"Removed: {', '.join(map(str, reply.items))}. Nothing is deployed yet."
    chosen = _choose(session, reply)
    session = _remove(session, reply.removed, request, context)
    approval = {
        "approval_id": request.id,
        "approved_by": request.person,
        "approved_at": context.now(),
        "approved_items": tuple(item.id for item in chosen),
        "forced_item": chosen[0].id if reply.is_untested else 0,
        "forced_reason": request.reason if reply.is_untested else "",
    }
    session = context.save(session.model_copy(update=approval))
    return _report(deploy_approved(session, deployer, context))


def _choose(session: ReviewSession, reply: ReviewReply) -> list[Item]:
    """The items to deploy. Raises ReplyRefused where one of them cannot be."""
    for number in reply.removed:
        _require_item(session, number)
    if reply.items:
        chosen = [_require_item(session, number) for number in reply.items]
        for item in chosen:
            check_item(item, is_forced=reply.is_untested)
        if reply.is_untested and chosen[0].deployable:
            raise ReplyRefused(
                f'Item {chosen[0].id} has a YES verdict: answer "deploy {chosen[0].id}".'
            )
        return chosen
    chosen = [one for one in session.items if one.deployable and one.id not in reply.removed]
    if chosen:
        return chosen
    if session.approved_by:
        raise ReplyRefused(
            f"This review was answered already by {session.approved_by!r} at"
            f" {session.approved_at} ({session.status.value.replace('_', ' ')}). Nothing was"
            " changed."
        )
    raise ReplyRefused("No item of this review can be deployed. Nothing was changed.")


def _remove(
    session: ReviewSession, numbers: tuple[int, ...], request: ReplyRequest, context: ReviewContext
) -> ReviewSession:
    for number in numbers:
        item = _require_item(session, number)
        if item.state in DECIDED:
            raise ReplyRefused(f"Item {number} is {item.state.value} already.")
        note = f"removed by {request.person}"
        session = put_item(session, replace_item(item, ItemState.REMOVED, note))
    return context.save(session) if numbers else session


def _skip(session: ReviewSession, request: ReplyRequest, context: ReviewContext) -> str:
    if any(item.state is ItemState.DEPLOYED for item in session.items):
        raise ReplyRefused(
            f"Items of this review were deployed by {session.approved_by!r}; they cannot be"
            ' skipped. "rollback" takes them back.'
        )
    rejected = replace_status(session, SessionStatus.REJECTED)
    who = {"approved_by": request.person, "approved_at": context.now()}
    context.save(rejected.model_copy(update=who))
    return f"Discarded the review of {session.created_at[:10]}. Nothing was changed."


def _report(session: ReviewSession) -> str:
    """What became of the approved items."""
    named = [item for item in session.items if item.id in session.approved_items]
    deployed = [item for item in named if item.state is ItemState.DEPLOYED]
    lines = [f"Deployed: {list_numbers(deployed)}."] if deployed else []
    lines += [f"Item {item.id}: {item.note}" for item in named if item.note]
    if is_waiting(session):
        lines.append("It is approved and will be tried again; you need not answer again.")
    left = [
        item
        for item in session.items
        if item.type is ItemType.PROMPT_CHANGE and item.deployable and item not in named
    ]
    lines += [f"Not deployed: {list_numbers(left)}."] if left else []
    lines.append(f"Status: {session.status.value.replace('_', ' ')}.")
    return "\n".join(lines)


def _start_review(request: ReplyRequest, context: ReviewContext) -> str:
    if context.start_review is None:
        raise ReplyRefused("A review cannot be started from here.")
    return context.start_review(request.id)


def _give_feedback(request: ReplyRequest, reply: ReviewReply, context: ReviewContext) -> str:
    """Quietly: a thumb on what is no trace's answer, or on our own message, needs no reply."""
    is_ours = context.files.find_shown(request.quoted) is not None
    if context.give_feedback is not None and request.quoted and not is_ours:
        context.give_feedback(request.quoted, reply.thumb, request.person)
    return ""


def _require_item(session: ReviewSession, number: int) -> Item:
    item = find_item(session, number)
    if item is None:
        raise ReplyRefused(
            f"There is no item {number} in the review of {session.created_at[:10]}: it has"
            f" {list_numbers(session.items) or 'none'}. Nothing was changed."
        )
    return item


def _make_row(
    state: str, request: ReplyRequest, reply: ReviewReply, answer: ReplyAnswer
) -> ReplyRow:
    return ReplyRow.model_validate(
        {
            "state": state,
            "id": request.id,
            "person": request.person,
            "door": request.door,
            "text": request.text,
            "when": request.time,
            "session_id": answer.session_id or request.session_id,
            "action": reply.action.value,
            "answer": answer.text,
            "is_refused": answer.is_refused,
        }
    )
