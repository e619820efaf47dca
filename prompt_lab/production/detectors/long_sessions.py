"""Sessions in which users need many messages."""

from prompt_lab.names import count
from prompt_lab.production.detector import percent, user_messages
from prompt_lab.production.detectors.session_rate import SessionMarks, SessionRate
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace


class LongSessions(SessionRate):
    """Accuracy: sessions with more messages of the user than the policy calls long."""

    def marks(self, trace: Trace, session: SessionMarks) -> bool:
        """Whether the session has become too long with this trace."""
        limit = self._context.policy.long_session_messages
        room = limit + 1 - len(session.texts)
        session.texts += ["" for _ in user_messages(trace)][: max(room, 0)]
        return len(session.texts) > limit and not session.marked

    def read_limit(self) -> float:
        """Share of the sessions."""
        return self._context.policy.long_sessions

    def describe(self, evidence: FindingEvidence) -> Finding:
        """The finding."""
        limit = self._context.policy.long_session_messages
        return Finding(
            detector="long_sessions",
            key="sessions",
            goal=Goal.ACCURACY,
            type=ItemType.INVESTIGATE,
            title=f"{count(self.hits, 'session')} of {self.sessions:,} "
            f"({percent(self.hits / self.sessions)}) took more than {limit} messages",
            fix="Read where these conversations go in circles.",
            evidence=evidence,
        )
