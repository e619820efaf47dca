"""Tools whose calls fail, and whether they were called again."""

from collections.abc import Iterable

from prompt_lab.names import count
from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    has_failed,
    plain_name,
    rate_evidence,
    times,
    tool_results,
)
from prompt_lab.production.rates import exceeds_rate
from prompt_lab.reviews import Finding, Goal, ItemType
from prompt_lab.traces import Trace

MOST_TOOLS = 1000
CLEARLY = 0.001
"""A p value from which down failures without a retry are the finding, whatever else there is."""


class ToolUse:
    """What is known of one tool, over all sessions that are closed."""

    def __init__(self) -> None:
        self.sessions = self.calls = self.failed = self.unretried = 0
        self.failed_sessions = self.unretried_sessions = 0
        self.ids, self.unretried_ids = TraceIds(), TraceIds()


class _Uses:
    """Of one tool in one session: calls, failed ones, and the trace whose failure is the last."""

    def __init__(self) -> None:
        self.calls = self.failed = 0
        self.unretried: Trace | None = None


class ToolFailures:
    """Accuracy: a tool that fails, above all one that is not called again in the session.

    A failed call counts as retried if the same tool is called later in the session.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._tools: dict[str, ToolUse] = {}
        self._open: OpenSessions[dict[str, _Uses]] = OpenSessions(dict, self._close)

    def read_trace(self, trace: Trace) -> None:
        """Count the calls of a trace of the window."""
        if not self._context.is_current(trace):
            return
        session = self._open.find_state(trace)
        for event in tool_results(trace):
            if event.tool_name not in self._tools:
                if len(self._tools) >= MOST_TOOLS:
                    continue
                self._tools[event.tool_name] = ToolUse()
            uses = session.setdefault(event.tool_name, _Uses())
            failed = has_failed(event)
            uses.calls += 1
            uses.failed += failed
            uses.unretried = trace if failed else None
            if failed:
                self._tools[event.tool_name].ids.add(trace)

    def _close(self, session: dict[str, _Uses]) -> None:
        for name, uses in session.items():
            tool = self._tools[name]
            tool.sessions += 1
            tool.calls += uses.calls
            tool.failed += uses.failed
            tool.failed_sessions += uses.failed > 0
            if uses.unretried is not None:
                tool.unretried += 1
                tool.unretried_ids.add(uses.unretried)

    def find(self) -> Iterable[Finding]:
        """One finding for each tool."""
        self._open.close_all()
        for name, tool in sorted(self._tools.items()):
            yield self._describe(name, tool)

    def _describe(self, name: str, tool: ToolUse) -> Finding:
        policy = self._context.policy
        fails = exceeds_rate(tool.failed_sessions, tool.sessions, policy.failed_calls * tool.calls)
        drops = exceeds_rate(tool.unretried, tool.sessions, policy.unretried_calls * tool.calls)
        unretried = drops <= max(fails, CLEARLY)
        evidence = rate_evidence(
            tool.failed_sessions,
            tool.sessions,
            min(1.0, 2 * min(fails, drops)),
            tool.ids,
            {
                "calls": tool.calls,
                "failed calls": tool.failed,
                "failed calls not retried": tool.unretried,
                "sessions": tool.sessions,
                "sessions with a failed call": tool.failed_sessions,
            },
        )
        shown = plain_name(name)
        retry = (
            " without retry"
            if tool.unretried == tool.failed
            else f", {tool.unretried:,} not retried"
        )
        return Finding(
            detector="tool_failures",
            key=name,
            goal=Goal.ACCURACY,
            type=ItemType.CODE_CHANGE if unretried else ItemType.INVESTIGATE,
            title=f"{shown} failed {times(tool.failed)}"
            + (retry if tool.unretried == tool.failed else f" in {tool.calls:,} calls{retry}"),
            impact=f"~{count(tool.unretried, 'extra session')} wasted"
            if tool.unretried
            else f"{count(tool.failed_sessions, 'session')} paid for further calls",
            fix=f"Call {shown} again after an error, and say so to the user if it fails again."
            if unretried
            else f"Look at the arguments and the errors of {shown} in the traces below.",
            evidence=evidence,
        )
