"""Answers that users did not like."""

from prompt_lab.names import count
from prompt_lab.production.detector import percent
from prompt_lab.production.detectors.session_rate import SessionMarks, SessionRate
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace


class ThumbsDown(SessionRate):
    """Accuracy: traces with a thumb down. Traces without feedback count as not disliked."""

    per_trace = True

    def marks(self, trace: Trace, _session: SessionMarks) -> bool:
        """Whether its feedback is a thumb down."""
        return self._context.thumbs.get(trace.trace_id) == "down"

    def read_limit(self) -> float:
        """Share of the traces."""
        return self._context.policy.thumbs_down

    def describe(self, evidence: FindingEvidence) -> Finding:
        """The finding."""
        return Finding(
            detector="thumbs_down",
            key="feedback",
            goal=Goal.ACCURACY,
            type=ItemType.INVESTIGATE,
            title=f"{count(self.marked, 'answer')} of {self.traces:,} got a thumb down "
            f"({percent(self.marked / self.traces)})",
            impact=f"{count(self.hits, 'session')} of {self.sessions:,} concerned",
            fix="Read these answers and the comments on them.",
            evidence=evidence,
        )
