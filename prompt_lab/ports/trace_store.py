"""Where traces, feedback and review sessions are kept."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import ChannelMessage, Feedback, Trace, VersionUsage, Window


class Added(NamedTuple):
    """What a write of several traces did."""

    new: int
    duplicates: int


class TraceStore(Protocol):
    """Traces and what belongs to them. Every call may be repeated. Raises StoreError."""

    def add(self, traces: Iterable[Trace]) -> Added:
        """Write traces; one whose id is there already is left as it is."""

    def read(self, window: Window) -> Iterator[Trace]:
        """Every trace of the window, by (created_at, trace_id), fetched in pages."""

    def find(self, trace_id: str) -> Trace | None:
        """One trace."""

    def count(self, window: Window) -> int:
        """How many traces the window holds."""

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        """One row for each prompt version, oldest first use first."""

    def add_feedback(self, feedback: Feedback) -> bool:
        """Record feedback; False where the same user's on this trace is there already."""

    def read_feedback(self, window: Window) -> list[Feedback]:
        """Feedback given in the window, oldest first."""

    def add_messages(self, messages: Iterable[ChannelMessage]) -> int:
        """Write messages that have a channel_message_id; how many were not there yet."""

    def read_messages(self, window: Window) -> Iterator[ChannelMessage]:
        """Messages of the agent's channel in the window, by time; fetched in pages."""

    def find_message_trace(self, channel_message_id: str) -> str:
        """Id of the trace that a message of the channel belongs to; '' where none is known."""

    def find_ids(self, *, user: str = "", before: str = "") -> tuple[str, ...]:
        """Ids of the traces of one user, or of those older than a time; sorted."""

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        """Delete all of one user, messages too; the ids of the traces that were deleted."""

    def erase_before(self, time: str) -> int:
        """Delete what is older; how many traces that was.

        Of the messages those with a channel_message_id go: other writers' rows stay.
        """


class ReviewStore(Protocol):
    """Review sessions and the agent's settings. Raises StoreError."""

    def save_session(self, session: ReviewSession) -> None:
        """Write the session, or write it again."""

    def read_session(self, session_id: str) -> ReviewSession | None:
        """One session."""

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        """Newest first."""

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        """Write the session if the stored one has the expected status; False if not."""

    def read_config(self) -> dict[str, str]:
        """The table agent_config: key -> JSON value."""

    def write_config(self, key: str, value: str) -> None:
        """Set one value of agent_config."""


class Stores(NamedTuple):
    """The parts of one database."""

    traces: TraceStore
    reviews: ReviewStore
