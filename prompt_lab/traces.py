"""What an agent in production did: one trace for each request, with its events and its feedback.

The form is that of the table observability_traces; times are UTC time stamps in ISO 8601.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field


class TraceRecord(BaseModel):
    """Frozen, and it keeps keys that other writers added."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: pydantic copies a default for each record that does not name the field."""
        return self


class Tokens(TraceRecord):
    """Tokens of one call of a model."""

    input: int = 0
    output: int = 0


class AgentCall(TraceRecord):
    """One call of a model. `messages` and `tools` are in OpenAI's chat form, where recorded."""

    type: Literal["agent_call"] = "agent_call"
    model: str = ""
    tokens: Tokens = Tokens()
    latency_ms: float | None = None
    cost_usd: float | None = None
    error: str = ""


class ToolResult(TraceRecord):
    """What a tool answered. `success` is None where nothing says it."""

    type: Literal["tool_result"] = "tool_result"
    tool_name: str = ""
    success: bool | None = None
    error: str = ""
    call_id: str = ""
    arguments: str = Field(default="", description="JSON text, as the model wrote it")
    output: str = ""


class SubAgent(TraceRecord):
    """A request handed to another agent."""

    type: Literal["sub_agent"] = "sub_agent"
    name: str = ""


class RequestDone(TraceRecord):
    """The end of the request."""

    type: Literal["request_done"] = "request_done"
    total_latency_ms: float | None = None


class UserMessage(TraceRecord):
    """A message of the user within a trace that holds several turns."""

    type: Literal["user_message"] = "user_message"
    text: str = ""


class OtherEvent(TraceRecord):
    """An event of a type of the writer's own; kept, and read by nothing of ours."""

    type: str = ""


Event = Annotated[
    AgentCall | ToolResult | SubAgent | RequestDone | UserMessage | OtherEvent,
    Field(union_mode="left_to_right"),
]


class TraceSummary(TraceRecord):
    """The totals of a trace; None where the writer did not say and the events do not either."""

    steps: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_tokens: int = 0
    total_cost_usd: float | None = None
    duration_ms: float | None = None
    models_used: tuple[str, ...] = ()
    tools_used: tuple[str, ...] = ()


class Payload(TraceRecord):
    """The column `payload`.

    `messages` and `tools_offered` are ours: the conversation in OpenAI's chat form, and the names
    of the tools that the model could call. Without them no plan is made and no tool is called
    unused.
    """

    events: tuple[Event, ...] = ()
    summary: TraceSummary = TraceSummary()
    prompt_version: str = ""
    prompts: dict[str, str] = Field(default={}, description="prompt id -> version (first 8 of it)")
    messages: tuple[dict[str, Any], ...] = ()
    tools_offered: tuple[str, ...] = ()
    outcome: float | None = Field(default=None, description="reward in [0, 1], where known")


class Trace(TraceRecord):
    """One request of the agent in production."""

    trace_id: str = Field(min_length=1)
    created_at: str = Field(description="UTC, ISO 8601 with milliseconds and Z")
    session_id: str = Field(default="", description="conversation; the trace's own id if unknown")
    channel: str = ""
    channel_user_id: str = ""
    user_message: str = ""
    final_message: str = ""
    payload: Payload = Payload()

    @property
    def session(self) -> str:
        """The conversation that it belongs to."""
        return self.session_id or self.trace_id


class Feedback(TraceRecord):
    """What a user thought of an answer."""

    trace_id: str
    thumb: Literal["up", "down"]
    comment: str = ""
    created_at: str
    channel_user_id: str = ""


class ChannelMessage(TraceRecord):
    """One message of the agent's channel: a row of the table `messages`."""

    created_at: str
    channel: str = ""
    channel_user_id: str = ""
    role: str = Field(default="", description="user, assistant, or the writer's own word")
    content: str = ""
    trace_id: str = Field(default="", description="of the request that it belongs to, where known")
    channel_message_id: str = Field(
        default="", description="the channel's id, which a reply quotes"
    )


class Window(NamedTuple):
    """Times from `start` (inclusive) to `end` (exclusive)."""

    start: str
    end: str


ALL_TIME = Window("0001-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z")


class VersionUsage(NamedTuple):
    """What sessions under one prompt version cost, computed by the store."""

    prompt_version: str
    sessions: int
    traces: int
    cost_usd: float
    input_tokens: int
    output_tokens: int
    failed_tools: int
    tool_calls: int
    thumbs_up: int
    thumbs_down: int
    first: str
    last: str


def summarize(events: Iterable[Event], **known: Any) -> TraceSummary:
    """The totals of a trace's events; `known` are those that the writer gave itself."""
    calls, tools = [], []
    for event in events:
        if isinstance(event, AgentCall):
            calls.append(event)
        elif isinstance(event, ToolResult):
            tools.append(event.tool_name)
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    totals = {
        "steps": len(calls) + len(tools),
        "total_input_tokens": sum(call.tokens.input for call in calls),
        "total_output_tokens": sum(call.tokens.output for call in calls),
        "total_tokens": sum(call.tokens.input + call.tokens.output for call in calls),
        "total_cost_usd": sum(costs) if costs else None,
        "models_used": tuple(dict.fromkeys(call.model for call in calls if call.model)),
        "tools_used": tuple(dict.fromkeys(filter(None, tools))),
    }
    return TraceSummary(**{**totals, **{k: v for k, v in known.items() if v is not None}})
