"""Users who have to say the same thing again."""

from rapidfuzz.fuzz import ratio

from prompt_lab.names import count
from prompt_lab.production.detector import percent, user_messages
from prompt_lab.production.detectors.session_rate import SessionMarks, SessionRate
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

ALIKE = 92.0
"""rapidfuzz's ratio from which on two messages are the same request."""
SHORTEST = 20
MOST_TEXTS, MOST_CHARACTERS = 20, 500


class RepeatedRequests(SessionRate):
    """Accuracy: sessions in which a message of the user nearly repeats an earlier one."""

    def marks(self, trace: Trace, session: SessionMarks) -> bool:
        """Whether a message is like one of the session's last 20. 'Yes' and 'thanks' are not."""
        found = False
        for text in user_messages(trace):
            plain = " ".join(text.casefold().split())[:MOST_CHARACTERS]
            if len(plain) < SHORTEST:
                continue
            found |= any(ratio(plain, other, score_cutoff=ALIKE) for other in session.texts)
            session.texts = [*session.texts[1 - MOST_TEXTS :], plain]
        return found

    def read_limit(self) -> float:
        """Share of the sessions."""
        return self._context.policy.repeated_requests

    def describe(self, evidence: FindingEvidence) -> Finding:
        """The finding."""
        return Finding(
            detector="repeated_requests",
            key="users",
            goal=Goal.ACCURACY,
            type=ItemType.INVESTIGATE,
            title=f"Users repeated their request in {count(self.hits, 'session')} of "
            f"{self.sessions:,} ({percent(self.hits / self.sessions)})",
            impact=f"~{count(self.marked, 'extra request')}",
            fix="Read what the agent answered before the request was repeated.",
            evidence=evidence,
        )
