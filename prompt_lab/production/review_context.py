"""What answering, deploying and notifying work with."""

from collections.abc import Callable
from typing import NamedTuple

from prompt_lab.clock import utc_now
from prompt_lab.ports.trace_store import ReviewStore, TraceStore
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import Feedback


class ReviewContext(NamedTuple):
    """The reviews of one lab. `chat_id`: the one chat whose replies count."""

    files: SessionFiles
    reviews: ReviewStore
    chat_id: str = ""
    people: frozenset[str] = frozenset()
    """Who of the chat may answer; empty: every person in it."""
    now: Callable[[], str] = utc_now
    start_review: Callable[[str], str] | None = None
    """Starts a review for the reply with this id; what to answer."""
    give_feedback: Callable[[str, str, str], bool] | None = None
    """Records (id of the quoted message, 'up' or 'down', person); False: it is no trace's."""

    def save(self, session: ReviewSession) -> ReviewSession:
        """Write the session's file, then its row."""
        self.files.write(session)
        self.reviews.save_session(session)
        return session

    def find_session(self, session_id: str) -> ReviewSession | None:
        """A session by its file; one that only the database has is written as a file first."""
        found = self.files.read(session_id)
        if found is None:
            found = self.reviews.read_session(session_id)
            if found is not None:
                self.files.write(found)
        return found

    def copy_to_database(self) -> int:
        """Write the row of every session whose file is newer; how many those were."""
        stale = [
            session
            for session in self.files.list_sessions()
            if self.reviews.read_session(session.id) != session
        ]
        for session in stale:
            self.reviews.save_session(session)
        return len(stale)

    def find_newest(self) -> ReviewSession | None:
        """The session whose message was sent last."""
        sent = [one for one in self.files.list_sessions() if one.notified_at]
        return max(sent, key=lambda one: (one.notified_at, one.created_at), default=None)


def record_thumb(traces: TraceStore, message_id: str, thumb: str, person: str) -> bool:
    """Feedback for the trace whose answer a channel's message is; False where it is no trace's.

    The message is known from the table `messages`, or its id is the trace's own. The first thumb of
    a person on a trace counts. Raises StoreError.
    """
    trace_id = traces.find_message_trace(message_id) or message_id
    if traces.find(trace_id) is None:
        return False
    given = {"trace_id": trace_id, "thumb": thumb, "channel_user_id": person}
    traces.add_feedback(Feedback.model_validate({**given, "created_at": utc_now()}))
    return True


def replace_status(session: ReviewSession, status: SessionStatus) -> ReviewSession:
    """The session with another status."""
    return session.model_copy(update={"status": status})
