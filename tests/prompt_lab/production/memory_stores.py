"""Stores that live as long as a test; they keep to the ports' words."""

from collections.abc import Iterable, Iterator

from prompt_lab.ports.trace_store import Added
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import Feedback, Trace, VersionUsage, Window


class MemoryTraces:
    """Traces by (created_at, trace_id)."""

    def __init__(self, traces: Iterable[Trace] = (), feedback: Iterable[Feedback] = ()) -> None:
        self.traces = {one.trace_id: one for one in traces}
        self.feedback = list(feedback)

    def add(self, traces: Iterable[Trace]) -> Added:
        given = list(traces)
        new = [one for one in given if one.trace_id not in self.traces]
        self.traces |= {one.trace_id: one for one in new}
        return Added(len(new), len(given) - len(new))

    def read(self, window: Window) -> Iterator[Trace]:
        found = [t for t in self.traces.values() if window.start <= t.created_at < window.end]
        yield from sorted(found, key=lambda one: (one.created_at, one.trace_id))

    def find(self, trace_id: str) -> Trace | None:
        return self.traces.get(trace_id)

    def count(self, window: Window) -> int:
        return sum(1 for _ in self.read(window))

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        del window
        return []

    def add_feedback(self, feedback: Feedback) -> bool:
        self.feedback.append(feedback)
        return True

    def read_feedback(self, window: Window) -> list[Feedback]:
        return [one for one in self.feedback if window.start <= one.created_at < window.end]

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        gone = [t.trace_id for t in self.traces.values() if t.channel_user_id == channel_user_id]
        self.traces = {k: v for k, v in self.traces.items() if k not in gone}
        return tuple(gone)

    def erase_before(self, time: str) -> int:
        old = [t.trace_id for t in self.traces.values() if t.created_at < time]
        self.traces = {k: v for k, v in self.traces.items() if k not in old}
        return len(old)


class MemoryReviews:
    """Review sessions, newest first."""

    def __init__(self) -> None:
        self.sessions: dict[str, ReviewSession] = {}
        self.config: dict[str, str] = {}

    def save_session(self, session: ReviewSession) -> None:
        self.sessions[session.id] = session

    def read_session(self, session_id: str) -> ReviewSession | None:
        return self.sessions.get(session_id)

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        found = sorted(self.sessions.values(), key=lambda one: one.created_at, reverse=True)
        return found[:limit]

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        known = self.sessions.get(session.id)
        if known is None or known.status is not expected:
            return False
        self.sessions[session.id] = session
        return True

    def read_config(self) -> dict[str, str]:
        return dict(self.config)

    def write_config(self, key: str, value: str) -> None:
        self.config[key] = value
