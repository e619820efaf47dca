"""Tools that mostly fail."""

from collections.abc import Iterable

from prompt_lab.names import count
from prompt_lab.production.detector import percent, plain_name
from prompt_lab.production.detectors.tool_failures import ToolFailures, ToolUse
from prompt_lab.production.rates import exceeds_rate
from prompt_lab.reviews import Finding, Goal, ItemType


class MostlyFailingTools(ToolFailures):
    """Capabilities: a tool of whose calls at least half fail, so that the agent is without it."""

    replaces = ("tool_failures",)

    def find(self) -> Iterable[Finding]:
        """One finding for each tool at least half of whose calls failed."""
        for finding in super().find():
            counts = finding.evidence.counts
            if 2 * counts["failed calls"] >= counts["calls"]:
                yield self._as_capability(finding, self._tools[finding.key])

    def _as_capability(self, finding: Finding, tool: ToolUse) -> Finding:
        limit = self._context.policy.mostly_failed_calls
        p_value = exceeds_rate(tool.failed_sessions, tool.sessions, limit * tool.calls)
        shown, share = plain_name(finding.key), percent(tool.failed / tool.calls)
        return finding.model_copy(
            update={
                "detector": "mostly_failing_tools",
                "goal": Goal.CAPABILITIES,
                "type": ItemType.CODE_CHANGE,
                "title": f"{shown} mostly fails: {share} of {count(tool.calls, 'call')}, "
                f"{tool.unretried:,} not retried",
                "fix": f"Repair {shown}, or stop offering it.",
                "evidence": finding.evidence.model_copy(update={"p_value": p_value}),
            }
        )
