"""Stands in for a command: acts as it is told, then prints the events that its vendor documents.

`python player.py claude|codex '<JSON>' …`: the JSON may hold says, files, shell, fails, tokens, and
`result`: keys of the last event.
Claude Code: code.claude.com/docs, headless mode, stream-json. Codex: its docs/exec.md, --json.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def play(kind: str, act: dict[str, Any]) -> None:
    """Act, then tell of it."""
    prompt = sys.stdin.read()
    for name, text in act.get("files", {}).items():
        try:
            Path(name).write_text(text)
        except OSError as error:
            print(f"{name}: {error.strerror}", file=sys.stderr)
    if act.get("shell"):
        subprocess.run(["sh", "-c", act["shell"]], check=False)
    says = act.get("says", "").replace("{prompt}", prompt)
    for event in (claude if kind == "claude" else codex)(says, act.get("tokens", 100), act):
        print(json.dumps(event), flush=True)
    sys.exit(1 if act.get("fails") else 0)


def claude(says: str, tokens: int, act: dict[str, Any]) -> list[dict[str, Any]]:
    """The first event, one message, the result."""
    usage = {"input_tokens": tokens, "output_tokens": 0}
    content = [{"type": "text", "text": says}]
    result = {"type": "result", "subtype": "success", "is_error": False, "result": says}
    if act.get("fails"):
        result |= {"subtype": "error_during_execution", "is_error": True, "result": act["fails"]}
    return [
        {"type": "system", "subtype": "init", "tools": ["Edit"], "model": "made"},
        {"type": "assistant", "message": {"content": content, "usage": usage}},
        {**result, "total_cost_usd": 0.01, "num_turns": 1, "usage": usage} | act.get("result", {}),
    ]


def codex(says: str, tokens: int, act: dict[str, Any]) -> list[dict[str, Any]]:
    """A thread, one turn with one message, the turn's end."""
    usage = {"input_tokens": tokens, "cached_input_tokens": 0, "output_tokens": 0}
    end: dict[str, Any] = {"type": "turn.completed", "usage": usage}
    if act.get("fails"):
        end = {"type": "turn.failed", "error": {"message": act["fails"]}}
    end |= act.get("result", {})
    return [
        {"type": "thread.started", "thread_id": "t"},
        {"type": "turn.started"},
        {"type": "item.completed", "item": {"id": "0", "type": "agent_message", "text": says}},
        end,
    ]


if __name__ == "__main__":
    play(sys.argv[1], json.loads(sys.argv[2]))
