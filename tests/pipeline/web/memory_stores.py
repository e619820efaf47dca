"""Stores of traces and reviews in memory, for tests of the pages that need no database."""

from collections.abc import Iterable, Iterator

from prompt_lab.ports.trace_store import Added
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import Feedback, Trace, VersionUsage, Window


class MemoryTraces:
    """A TraceStore in a dictionary. `usage` is what usage_by_version answers."""

    def __init__(self, traces: Iterable[Trace] = (), usage: Iterable[VersionUsage] = ()) -> None:
        self._traces: dict[str, Trace] = {}
        self._feedback: list[Feedback] = []
        self._usage = list(usage)
        self.add(traces)

    def add(self, traces: Iterable[Trace]) -> Added:
        new = duplicates = 0
        for trace in traces:
            known = self._traces.setdefault(trace.trace_id, trace)
            new, duplicates = new + (known is trace), duplicates + (known is not trace)
        return Added(new, duplicates)

    def read(self, window: Window) -> Iterator[Trace]:
        found = (t for t in self._traces.values() if window.start <= t.created_at < window.end)
        yield from sorted(found, key=lambda one: (one.created_at, one.trace_id))

    def find(self, trace_id: str) -> Trace | None:
        return self._traces.get(trace_id)

    def count(self, window: Window) -> int:
        return sum(1 for _ in self.read(window))

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        return self._usage

    def add_feedback(self, feedback: Feedback) -> bool:
        same = {(one.trace_id, one.channel_user_id) for one in self._feedback}
        if (feedback.trace_id, feedback.channel_user_id) in same:
            return False
        self._feedback.append(feedback)
        return True

    def read_feedback(self, window: Window) -> list[Feedback]:
        return [one for one in self._feedback if window.start <= one.created_at < window.end]

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        gone = [t for t, one in self._traces.items() if one.channel_user_id == channel_user_id]
        for trace_id in gone:
            del self._traces[trace_id]
        return tuple(gone)

    def erase_before(self, time: str) -> int:
        gone = [t for t, one in self._traces.items() if one.created_at < time]
        for trace_id in gone:
            del self._traces[trace_id]
        return len(gone)


class MemoryReviews:
    """A ReviewStore in dictionaries."""

    def __init__(self, sessions: Iterable[ReviewSession] = ()) -> None:
        self._sessions = {one.id: one for one in sessions}
        self._config: dict[str, str] = {}

    def save_session(self, session: ReviewSession) -> None:
        self._sessions[session.id] = session

    def read_session(self, session_id: str) -> ReviewSession | None:
        return self._sessions.get(session_id)

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        found = sorted(self._sessions.values(), key=lambda one: one.created_at, reverse=True)
        return found[:limit]

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        stored = self._sessions.get(session.id)
        if stored is None or stored.status is not expected:
            return False
        self._sessions[session.id] = session
        return True

    def read_config(self) -> dict[str, str]:
        return dict(self._config)

    def write_config(self, key: str, value: str) -> None:
        self._config[key] = value
