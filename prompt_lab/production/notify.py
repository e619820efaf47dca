"""Send the message of a review, once a day, and answer the replies of the chat.

What is sent goes through the outbox: a row before, a row after. After a kill between the two the
chat is asked whether it has the message before it is sent again.
"""

from typing import NamedTuple

from prompt_lab.errors import ChatError, ChatOutcomeUnknown
from prompt_lab.ports.chat import Chat, ChatMessage
from prompt_lab.production.approve import answer_reply
from prompt_lab.production.binding import CHAT, ReplyRequest
from prompt_lab.production.deploy import ItemDeployer, is_waiting
from prompt_lab.production.message import render_message
from prompt_lab.production.review_context import ReviewContext, replace_status
from prompt_lab.production.session_files import MESSAGE, OutboxRow
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.files import write_text


class Notification(NamedTuple):
    """What became of a session's message. Not sent: `reason` says why; call again later."""

    session: ReviewSession
    is_sent: bool
    reason: str = ""


def notify_session(session: ReviewSession, chat: Chat, context: ReviewContext) -> Notification:
    """Keep the session, then send its message if this day has none yet.

    Earlier sessions that no one has answered expire with it. A chat that is down leaves the
    session pending with the reason.
    """
    with context.files.hold():
        session = context.files.read(session.id) or context.save(session)
        if session.notified_at:
            context.reviews.save_session(session)
            return Notification(session, True)
        key = f"review {session.created_at[:10]}"
        earlier = context.files.read_outbox().get(key)
        if earlier is not None and earlier.session_id != session.id:
            other = f"Another message of {session.created_at[:10]} was sent already"
            if earlier.state == "failed":
                other = f"Another message of {session.created_at[:10]} is to be sent first"
            return Notification(_keep_reason(session, other, context), False, other)
        try:
            text = render_message(session, limit=chat.limit)
            folder = context.files.write(session)
            write_text(folder / MESSAGE, text + "\n")
            row = OutboxRow(
                state="sending",
                key=key,
                session_id=session.id,
                shown_sha256=session.content_sha256,
                text=text,
                when=context.now(),
            )
            message_id = send_once(row, chat, context)
        except ChatError as error:
            return Notification(_keep_reason(session, str(error), context), False, str(error))
        changes = {"message_id": message_id, "notified_at": context.now(), "reason": ""}
        session = session.model_copy(update=changes | {"channel_user_id": context.chat_id})
        _expire_others(session, context)
        return Notification(context.save(session), True)


def send_once(row: OutboxRow, chat: Chat, context: ReviewContext) -> str:
    """Send the row's text unless its key was sent; the message's id. Raises ChatError.

    Needs the files' lock. What was begun and not finished is looked for at the chat first.
    """
    earlier = context.files.read_outbox().get(row.key)
    if earlier is not None and earlier.state == "sent":
        return earlier.message_id
    if earlier is not None and earlier.state == "sending":
        row = earlier
        found = chat.find_sent(row.text, since=row.when)
        if found:
            return _finish(row, found, context)
    else:
        context.files.add_sending(row)
    try:
        message_id = chat.send(row.text, quoted=row.quoted)
    except ChatError as error:
        # An unknown outcome stays 'sending': the next attempt looks for the message.
        state = "sending" if isinstance(error, ChatOutcomeUnknown) else "failed"
        context.files.add_sending(row.model_copy(update={"state": state, "reason": str(error)}))
        raise
    return _finish(row, message_id, context)


def answer_message(
    message: ChatMessage, chat: Chat, deployer: ItemDeployer, context: ReviewContext
) -> str:
    """Carry out one message of the chat and answer it once; the answer, '' where there is none.

    Raises StoreError or ChatError: the message is then to be delivered again.
    """
    request = ReplyRequest(
        id=f"chat {message.id}",
        person=message.sender,
        door=CHAT,
        text=message.text,
        chat=message.chat,
        quoted=message.quoted,
        time=message.time,
    )
    answer = answer_reply(request, deployer, context)
    if not answer.text:
        return ""
    with context.files.hold():
        shown = context.find_session(answer.session_id) if answer.session_id else None
        row = OutboxRow(
            state="sending",
            key=f"answer {message.id}",
            session_id=answer.session_id,
            shown_sha256=shown.content_sha256 if shown else "",
            text=answer.text[: chat.limit],
            quoted=message.id,
            when=context.now(),
        )
        send_once(row, chat, context)
    return answer.text


def answer_chat(
    chat: Chat, deployer: ItemDeployer, context: ReviewContext, *, wait_seconds: float = 0.0
) -> int:
    """Answer every message in the chat's queue; how many there were. Raises as answer_message."""
    count = 0
    for message in chat.receive(wait_seconds=wait_seconds):
        answer_message(message, chat, deployer, context)
        chat.acknowledge(message)
        count += 1
    return count


def _finish(row: OutboxRow, message_id: str, context: ReviewContext) -> str:
    sent = {"state": "sent", "message_id": message_id, "when": context.now(), "reason": ""}
    context.files.add_sending(row.model_copy(update=sent))
    return message_id


def _keep_reason(session: ReviewSession, reason: str, context: ReviewContext) -> ReviewSession:
    return context.save(session.model_copy(update={"reason": reason}))


def _expire_others(session: ReviewSession, context: ReviewContext) -> None:
    for other in context.files.list_sessions():
        is_open = other.status is SessionStatus.PENDING and not is_waiting(other)
        if other.id != session.id and is_open and other.created_at <= session.created_at:
            context.save(replace_status(other, SessionStatus.EXPIRED))
