"""Requests that ended in an error instead of an answer."""

import re

from prompt_lab.names import count
from prompt_lab.production.detector import agent_calls
from prompt_lab.production.detectors.session_rate import SessionMarks, SessionRate
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

_ERROR = re.compile(r"\s*(error\b|internal server error|traceback \(most|exception\b)", re.I)


class ErrorAnswers(SessionRate):
    """Accuracy: the last call of the model failed, or the user was sent an error's text."""

    per_trace = True

    def marks(self, trace: Trace, _session: SessionMarks) -> bool:
        """Whether the trace ended in an error. A hand-over to a person is none."""
        calls = agent_calls(trace)
        failed = bool(calls) and bool(calls[-1].error)
        return failed or bool(_ERROR.match(trace.final_message))

    def read_limit(self) -> float:
        """Share of the traces."""
        return self._context.policy.error_answers

    def describe(self, evidence: FindingEvidence) -> Finding:
        """The finding."""
        return Finding(
            detector="error_answers",
            key="answers",
            goal=Goal.ACCURACY,
            type=ItemType.INVESTIGATE,
            title=f"{count(self.marked, 'request')} of {self.traces:,} ended in an error",
            impact=f"{count(self.hits, 'session')} of {self.sessions:,} concerned",
            fix="Look at the errors of the model's calls in the traces below.",
            evidence=evidence,
        )
