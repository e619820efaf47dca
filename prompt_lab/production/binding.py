"""What a reply is about: the session, and whether it is still what the person was shown."""

from datetime import datetime
from typing import NamedTuple

from prompt_lab.errors import LabError
from prompt_lab.production.deploy import is_waiting
from prompt_lab.production.replies import ReplyAction, ReviewReply
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.reviews import ReviewSession, SessionStatus

CHAT = "chat"
_CHANGING = (ReplyAction.DEPLOY, ReplyAction.REMOVE, ReplyAction.SKIP)
_CLOSED = (SessionStatus.REJECTED, SessionStatus.EXPIRED)


class ReplyRequest(NamedTuple):
    """What a person asks. `reply` is given by a door that needs no words, such as a button."""

    id: str
    """Unique over all doors, such as 'chat <id of the message>'; the same again is a repetition."""
    person: str
    door: str
    text: str = ""
    reply: ReviewReply | None = None
    chat: str = ""
    quoted: str = ""
    """Id of the message that it replies to; '' where the channel does not say."""
    session_id: str = ""
    shown_sha256: str = ""
    """`content_sha256` of what was shown: required of every door but a chat."""
    time: str = ""
    """When it was written (UTC), where known."""
    reason: str = ""
    """Why an untested item is deployed, where the door asks for it."""


class ReplyAnswer(NamedTuple):
    """What to answer; '' is no answer at all. Refused: nothing was changed."""

    text: str
    action: ReplyAction = ReplyAction.NONE
    session_id: str = ""
    is_refused: bool = False
    is_repeated: bool = False


class ReplyRefused(LabError):
    """A reply that is not bound to what can be decided now; its text is the answer."""


def find_bound(request: ReplyRequest, reply: ReviewReply, context: ReviewContext) -> ReviewSession:
    """The session that a request is about. Raises ReplyRefused where its content is another."""
    session, shown = _find_shown(request, context)
    if reply.action not in _CHANGING:
        return session
    if session.status is SessionStatus.EXPIRED:
        raise ReplyRefused(
            f"The review of {session.created_at[:10]} has expired: a later one was sent. Nothing"
            " was changed; answer the latest."
        )
    if shown != session.content_sha256:
        raise ReplyRefused(
            f"The review of {session.created_at[:10]} has changed since it was shown to you."
            " Nothing was changed; look at it again and answer that."
        )
    return session


def _find_shown(request: ReplyRequest, context: ReviewContext) -> tuple[ReviewSession, str]:
    """The session, and the hash of what the person saw of it."""
    if request.door != CHAT:
        found = context.find_session(request.session_id)
        if found is None:
            raise ReplyRefused("There is no such review. Nothing was changed.")
        return found, request.shown_sha256
    if request.quoted:
        row = context.files.find_shown(request.quoted)
        found = context.find_session(row.session_id) if row and row.session_id else None
        if row is None or found is None:
            raise ReplyRefused(
                "The message that you replied to is no review of mine. Nothing was changed; reply"
                " to the review, or write without quoting."
            )
        return found, row.shown_sha256
    found = context.find_newest()
    if found is None:
        raise ReplyRefused("There is no review to answer yet. Nothing was changed.")
    if request.time and _is_before(request.time, found.notified_at):
        raise ReplyRefused(
            f"This was written before the review of {found.created_at[:10]} was sent. Nothing was"
            " changed; answer again if you mean this review."
        )
    row = context.files.find_shown(found.message_id)
    return found, row.shown_sha256 if row else ""


def check_open(session: ReviewSession) -> None:
    """Raise ReplyRefused where the session is decided, or another approval is being carried out."""
    who = f"by {session.approved_by!r} at {session.approved_at}" if session.approved_by else ""
    if is_waiting(session):
        reason = f" It waits: {session.reason}." if session.reason else ""
        raise ReplyRefused(f"This review was approved already {who}.{reason} Nothing was changed.")
    if session.status in _CLOSED:
        raise ReplyRefused(
            f"This review is {session.status.value} already{' ' + who if who else ''}."
            " Nothing was changed."
        )


def is_allowed(request: ReplyRequest, context: ReviewContext) -> bool:
    """Whether a message comes from the one chat, and from a person who may answer."""
    is_ours = bool(context.chat_id) and request.chat == context.chat_id
    return is_ours and (not context.people or request.person in context.people)


def _is_before(time: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(time) < datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False
