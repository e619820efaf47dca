"""Base of detectors that ask in how many sessions of the window something happened."""

from collections.abc import Iterable

from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    rate_evidence,
)
from prompt_lab.production.rates import exceeds_rate
from prompt_lab.reviews import Finding, FindingEvidence
from prompt_lab.traces import Trace


class SessionMarks:
    """One session: how many of its traces were marked, of how many, and what was said in it."""

    def __init__(self) -> None:
        self.traces = self.marked = 0
        self.texts: list[str] = []


class SessionRate:
    """Counts sessions with at least one marked trace against what `limit` tolerates."""

    replaces: tuple[str, ...] = ()
    per_trace = False
    """Whether the limit is a share of the traces; else of the sessions."""

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[SessionMarks] = OpenSessions(SessionMarks, self._close)
        self._ids = TraceIds()
        self.sessions = self.hits = self.traces = self.marked = 0

    def marks(self, trace: Trace, session: SessionMarks) -> bool:
        """Whether this trace has what is looked for."""
        raise NotImplementedError

    def describe(self, evidence: FindingEvidence) -> Finding:
        """The finding, should the rate be too high."""
        raise NotImplementedError

    def read_limit(self) -> float:
        """The share that is tolerated."""
        raise NotImplementedError

    def read_trace(self, trace: Trace) -> None:
        """Count a trace of the window."""
        if not self._context.is_current(trace):
            return
        session = self._open.find_state(trace)
        session.traces += 1
        if self.marks(trace, session):
            session.marked += 1
            self._ids.add(trace)

    def _close(self, session: SessionMarks) -> None:
        self.sessions += 1
        self.hits += session.marked > 0
        self.traces += session.traces
        self.marked += session.marked

    def find(self) -> Iterable[Finding]:
        """One finding if there was any session."""
        self._open.close_all()
        if not self.sessions:
            return
        expected = self.read_limit() * (self.traces if self.per_trace else self.sessions)
        counts = {
            "sessions": self.sessions,
            "sessions concerned": self.hits,
            "traces": self.traces,
            "traces concerned": self.marked,
        }
        p_value = exceeds_rate(self.hits, self.sessions, expected)
        yield self.describe(rate_evidence(self.hits, self.sessions, p_value, self._ids, counts))
