"""Codex: `codex exec --json`, whose events are lines of JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.agent._command import AgentOutput, CommandAgent, parse_token_count
from prompt_lab.agents.port import AgentJob

KEY = "PROMPT_LAB_AGENT_KEY"


class Codex(CommandAgent):
    """Its own sandbox is off, since it cannot stand inside ours, which is the stricter one."""

    COMMAND = "codex"
    BASE_URL = "https://api.openai.com/v1"

    def arguments(self, job: AgentJob) -> Sequence[str]:
        """The prompt comes on standard input; all settings are given here, none is read."""
        provider: dict[str, str | int] = {
            "name": "lab",
            "base_url": self.base_url,
            "env_key": KEY,
            "wire_api": "responses",
            "request_max_retries": 2,
            "stream_max_retries": 1,
        }
        settings: dict[str, str | int] = {
            f"model_providers.lab.{key}": value for key, value in provider.items()
        }
        settings |= {"model_provider": "lab", "web_search": "disabled"}
        model = ["--model", self._config.model] if self._config.model else []
        return [
            *("exec", "--json", "--skip-git-repo-check", "--ephemeral", "--ignore-user-config"),
            *("--ignore-rules", "--sandbox", "danger-full-access", "--cd", str(job.folder), *model),
            *(part for key, value in settings.items() for part in ("-c", _setting(key, value))),
            "-",
        ]

    def environment(self, job: AgentJob) -> Mapping[str, str]:
        """Its key, and a home of its own."""
        home = job.home / ".codex"
        home.mkdir(exist_ok=True)
        return {KEY: self.key or "none", "CODEX_HOME": str(home)}

    def read_event(self, event: Mapping[str, Any], heard: AgentOutput) -> None:
        """Its last message, the tokens of each turn, and whether a turn came to its end."""
        kind, item = event.get("type"), event.get("item") or {}
        if kind == "item.completed" and item.get("type") == "agent_message":
            heard.text = str(item.get("text") or "")
        elif kind == "turn.completed":
            heard.ended, heard.fault = True, ""
            usage = event.get("usage") or {}
            heard.input_tokens += parse_token_count(usage.get("input_tokens"))
            heard.output_tokens += parse_token_count(usage.get("output_tokens"))
        elif kind == "turn.failed":
            heard.fault = str((event.get("error") or {}).get("message") or "the turn failed")


def _setting(key: str, value: str | int) -> str:
    return f"{key}={json.dumps(value)}"
