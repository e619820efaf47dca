"""Tools that are offered and never called."""

from collections.abc import Iterable

from prompt_lab.names import count
from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    plain_name,
    rate_evidence,
    tool_results,
)
from prompt_lab.reviews import Finding, Goal, ItemType
from prompt_lab.traces import Trace

MOST_TOOLS = 1000


class UnusedTools:
    """Capabilities: a tool that no session called, in the window and its history.

    Where tools_offered is not recorded, no tool is called unused.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[set[str]] = OpenSessions(set, self._close)
        self._sessions: dict[str, int] = {}
        self._used: set[str] = set()
        self._ids: dict[str, TraceIds] = {}
        self._current: set[str] = set()

    def read_trace(self, trace: Trace) -> None:
        """Note what the trace offered and called, also in the history."""
        payload = trace.payload
        if payload.tools_offered:
            self._open.find_state(trace).update(payload.tools_offered)
        self._used.update(event.tool_name for event in tool_results(trace))
        if self._context.is_current(trace):
            for name in payload.tools_offered:
                if name not in self._used and len(self._ids) < MOST_TOOLS:
                    self._ids.setdefault(name, TraceIds()).add(trace)

    def _close(self, offered: set[str]) -> None:
        for name in offered:
            if name in self._sessions or len(self._sessions) < MOST_TOOLS:
                self._sessions[name] = self._sessions.get(name, 0) + 1

    def find(self) -> Iterable[Finding]:
        """One finding for each tool that the window offers; those in use have p value 1."""
        self._open.close_all()
        for name, sessions in sorted(self._sessions.items()):
            if name in self._ids:
                yield self._describe(name, sessions)

    def _describe(self, name: str, sessions: int) -> Finding:
        unused = name not in self._used
        p_value = (1 - self._context.policy.least_tool_use) ** sessions if unused else 1.0
        shown = plain_name(name)
        evidence = rate_evidence(
            0, sessions, p_value, self._ids[name], {"sessions that offered it": sessions}
        )
        return Finding(
            detector="unused_tools",
            key=name,
            goal=Goal.CAPABILITIES,
            type=ItemType.INVESTIGATE,
            title=f"{shown} was never called in {count(sessions, 'session')} that offered it",
            impact="its description is paid for in every call of the model",
            fix=f"Say in the prompt when to use {shown}, or stop offering it.",
            evidence=evidence,
        )
