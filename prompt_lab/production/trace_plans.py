"""Plans from traces: the recorded context up to one turn, which a prompt is asked to continue.

Tools answer from the trace. The score is a contract: an action that the agent has, a text where one
is due, no forbidden claim; and, where the recorded turn went well, its first action as gold.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from pydantic import Field, ValidationError

from prompt_lab.config.production import ProductionConfig
from prompt_lab.errors import StoreError
from prompt_lab.records import VERSION, Record
from prompt_lab.redact import Redactor
from prompt_lab.store.plans import TRACE_PREFIX
from prompt_lab.traces import ToolResult, Trace

ANSWER: Final = "answer"
"""The action that is no tool: a text for the person."""
CONTRACT_FILE: Final = "contract.json"
MOST_OUTPUT: Final = 1_000
_REDACTOR: Final = Redactor(())
_ROLES = {"user": "Person", "assistant": "You", "tool": "Tool"}


class RecordedTool(Record):
    """What a tool answered in the recorded turn."""

    tool: str
    output: str


class TraceTurn(Record):
    """The input of a plan."""

    version: int = VERSION
    context: tuple[str, ...] = Field(description="the conversation so far, one line or more each")
    tools: tuple[str, ...] = Field(default=(), description="names of the tools that were offered")
    recorded: tuple[RecordedTool, ...] = Field(default=(), description="in order")


class TurnContract(Record):
    """What the answer of a plan is checked against."""

    version: int = VERSION
    actions: tuple[str, ...] = Field(description="every action that the agent has")
    forbidden: tuple[str, ...] = Field(default=(), description="claims that no answer may make")
    first_action: str = Field(default="", description="gold: the recorded one; '' where unknown")


def plan_name(trace_id: str) -> str:
    """The name of a trace's plan, which does not reveal the trace's id."""
    return f"{TRACE_PREFIX}{sha256(trace_id.encode()).hexdigest()[:16]}"


def turn_file(prompt_key: str) -> str:
    """The name of the input file of this prompt's plans, so that no other step takes them."""
    return f"{prompt_key}.turn.json"


def build_plan(
    trace: Trace,
    prompt_key: str,
    config: ProductionConfig | None = None,
    *,
    is_healthy: bool = False,
) -> dict[str, str] | None:
    """File name -> text of the plan of a trace's last turn; None where nothing was recorded of it.

    `is_healthy` makes the recorded first action the gold. Texts are redacted.
    """
    config = config or ProductionConfig()
    messages = trace.payload.messages
    last = max((at for at, one in enumerate(messages) if one.get("role") == "user"), default=-1)
    if last < 0 or last == len(messages) - 1:
        return None
    context = [_describe(one) for one in messages[: last + 1] if one.get("role") in _ROLES]
    after = messages[last + 1 :]
    tools = trace.payload.tools_offered or trace.payload.summary.tools_used
    actions = tuple(dict.fromkeys((*tools, ANSWER)))
    first = next(iter(_actions(after)), "")
    turn = TraceTurn(
        context=_shorten([line for line in context if line], config.context_characters),
        tools=tuple(tools),
        recorded=tuple(_list_recorded(trace, after)),
    )
    contract = TurnContract(
        actions=actions,
        forbidden=config.forbidden_claims,
        first_action=first if is_healthy and first in actions else "",
    )
    files = {turn_file(prompt_key): turn, CONTRACT_FILE: contract}
    return {name: record.model_dump_json(indent=2) + "\n" for name, record in files.items()}


def read_turn(text: str, place: str) -> TraceTurn:
    """The input of a plan. Raises StoreError with its place."""
    try:
        return TraceTurn.model_validate_json(text)
    except ValidationError as error:
        raise StoreError(
            f"{place}: is no turn of a trace ({error.errors()[0]['msg']}). Delete the plan's"
            " folder; the next review builds it again."
        ) from error


def render_turn(turn: TraceTurn, done: Iterable[tuple[str, str]] = ()) -> str:
    """The text that a model is asked to continue; `done` are actions so far with their outputs."""
    lines = ["The conversation so far:", *turn.context]
    for action, output in done:
        lines += [f"You: [{action}]", f"Tool {action}: {output}"]
    choices = ", ".join(action_names(turn))
    lines += [
        "",
        'What do you do next? Reply with one JSON object: "action" is one of '
        f'{choices}; "content" is the tool\'s input, or your text to the person.',
    ]
    return "\n".join(lines)


def action_names(turn: TraceTurn) -> tuple[str, ...]:
    """The tools, and `answer`."""
    return tuple(dict.fromkeys((*turn.tools, ANSWER)))


def answer_schema(turn: TraceTurn, longest: int) -> dict[str, Any]:
    """JSON schema of one action, with a content of at most so many characters."""
    return {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(action_names(turn))},
            "content": {"type": "string", "maxLength": longest},
        },
        "required": ["action", "content"],
        "additionalProperties": False,
    }


def take_output(turn: TraceTurn, done: Sequence[tuple[str, str]], action: str) -> str | None:
    """What the trace has as the tool's next output; None where it was not called (again) then."""
    used = sum(name == action for name, _ in done)
    outputs = [one.output for one in turn.recorded if one.tool == action]
    return outputs[used] if used < len(outputs) else None


def score_turn(contract: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, float]:
    """Parts in [0, 1]: each check, `contract` (their mean), `right` (with the gold, where known).

    An answer is {"steps": [{"action", "content"}, …]}; {} is a missing one, without any credit.
    """
    wanted = TurnContract.model_validate(dict(contract))
    steps = [one for one in answer.get("steps", ()) if isinstance(one, dict)]
    text = " ".join(str(one.get("content", "")) for one in steps).casefold()
    checks = {
        "known_action": bool(steps) and all(one.get("action") in wanted.actions for one in steps),
        "has_content": bool(steps) and bool(str(steps[-1].get("content", "")).strip()),
        "no_forbidden_claim": bool(steps)
        and not any(claim.casefold() in text for claim in wanted.forbidden),
    }
    parts = {name: float(held) for name, held in checks.items()}
    found = {**parts, "contract": sum(parts.values()) / len(parts)}
    gold = [float(bool(steps) and steps[0].get("action") == wanted.first_action)]
    every = [*parts.values(), *(gold if wanted.first_action else [])]
    return {**found, "right": sum(every) / len(every)}


def _describe(message: Mapping[str, Any]) -> str:
    role = _ROLES.get(str(message.get("role")), "Person")
    calls = [_called(call) for call in message.get("tool_calls") or () if isinstance(call, dict)]
    text = message.get("content")
    parts = [f"[{name}]" for name in calls if name]
    if text:
        parts.append(
            _REDACTOR.text(text if isinstance(text, str) else json.dumps(text))[:MOST_OUTPUT]
        )
    name = f" {message['name']}" if role == "Tool" and message.get("name") else ""
    return f"{role}{name}: {' '.join(parts)}" if parts else ""


def _called(call: Mapping[str, Any]) -> str:
    function = call.get("function")
    return str(function.get("name", "")) if isinstance(function, dict) else ""


def _actions(messages: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for message in messages:
        if message.get("role") != "assistant":
            continue
        calls = [one for one in message.get("tool_calls") or () if isinstance(one, dict)]
        yield from map(_called, calls)
        if message.get("content") and not calls:
            yield ANSWER


def _list_recorded(trace: Trace, after: Sequence[Mapping[str, Any]]) -> Iterable[RecordedTool]:
    """Outputs from the turn's messages; where these hold none, from the events."""
    outputs = [one for one in after if one.get("role") == "tool"]
    if outputs:
        names = [_called(call) for one in after for call in one.get("tool_calls") or ()]
        for at, one in enumerate(outputs):
            name = str(one.get("name") or (names[at] if at < len(names) else ""))
            yield RecordedTool(
                tool=name, output=_REDACTOR.text(str(one.get("content", "")))[:MOST_OUTPUT]
            )
        return
    for event in trace.payload.events:
        if isinstance(event, ToolResult):
            yield RecordedTool(
                tool=event.tool_name, output=_REDACTOR.text(event.output)[:MOST_OUTPUT]
            )


def _shorten(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """The last lines that fit into so many characters; always the very last."""
    kept: list[str] = []
    size = 0
    for line in reversed(lines):
        size += len(line)
        if kept and size > most:
            break
        kept.append(line[:most])
    return tuple(reversed(kept))
