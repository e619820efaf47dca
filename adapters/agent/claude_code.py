"""Claude Code: `claude -p`, whose events are lines of JSON (`--output-format stream-json`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.agent._command import AgentOutput, CommandAgent, parse_token_count
from prompt_lab.agents.port import AgentJob

READS = "Read,Glob,Grep"
WRITES = f"{READS},Edit,Write,Bash"


class ClaudeCode(CommandAgent):
    """Needs a key of the API: with --bare nothing of a person's own settings is read, nor any
    setting, hook or instruction that the target holds."""

    COMMAND = "claude"
    BASE_URL = "https://api.anthropic.com"

    def arguments(self, job: AgentJob) -> Sequence[str]:
        """The prompt comes on standard input."""
        tools = WRITES if job.writes else READS
        model = ["--model", self._config.model] if self._config.model else []
        return [
            *("-p", "--bare", "--output-format", "stream-json", "--verbose"),
            *("--tools", tools, "--allowedTools", tools),
            *("--permission-mode", "acceptEdits" if job.writes else "default"),
            *("--max-budget-usd", f"{self._config.cost_usd:g}", "--strict-mcp-config"),
            *("--no-session-persistence", *model),
        ]

    def environment(self, job: AgentJob) -> Mapping[str, str]:
        """Its key, and no traffic but that with its model."""
        return {
            "ANTHROPIC_API_KEY": self.key or "none",
            "ANTHROPIC_BASE_URL": self.base_url,
            "CLAUDE_CONFIG_DIR": str(job.home / ".claude"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(self._config.max_tokens),
            "DISABLE_AUTOUPDATER": "1",
        }

    def read_event(self, event: Mapping[str, Any], heard: AgentOutput) -> None:
        """`assistant` events tell tokens as they go; `result` is the last one, with the cost."""
        if event.get("type") == "assistant":
            self._count(event.get("message", {}).get("usage") or {}, heard)
        if event.get("type") != "result":
            return
        heard.ended = True
        heard.text = str(event.get("result") or "")
        if event.get("is_error") or event.get("subtype") != "success":
            heard.fault = heard.text or str(event.get("subtype"))
        told = event.get("total_cost_usd")
        heard.cost = None if told is None else float(told)
        usage = event.get("usage") or {}
        if usage:
            heard.input_tokens = heard.output_tokens = 0
            self._count(usage, heard)

    def _count(self, usage: Mapping[str, Any], heard: AgentOutput) -> None:
        cached = ("cache_creation_input_tokens", "cache_read_input_tokens")
        heard.input_tokens += sum(
            parse_token_count(usage.get(k)) for k in ("input_tokens", *cached)
        )
        heard.output_tokens += parse_token_count(usage.get("output_tokens"))
