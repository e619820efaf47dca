"""The simulated blog-writing agent: what it does in a session, and what goes wrong in it."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from prompt_lab.analyze.words import estimated_tokens
from prompt_lab.production.simulated_prompts import PROMPT_ID, asks_first
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.traces import (
    AgentCall,
    Event,
    Feedback,
    Payload,
    RequestDone,
    Tokens,
    ToolResult,
    Trace,
    TraceSummary,
)

TOOLS: Final = ("web_search", "read_page", "write_article", "check_links", "publish_post")
UNUSED_TOOL: Final = "generate_image"
FAILING_TOOL: Final = "write_article"
USUAL_MODEL, SLOW_MODEL = "writer-large-1", "writer-large-2"
PRICE: Final = (3e-6, 15e-6)
"""US dollars for one token of input and of output; both models cost the same."""
TOPICS: Final = ("heat pumps", "sourdough", "unit tests", "night trains", "sleep", "bike lanes")

PARTS: Final = ("the title", "costs", "history", "the example", "the end", "care", "sources")
FOLLOW_UPS: Final = (
    "Thanks. Change {first}, and say more about {second}.",
    "I like it, but {first} should come before {second}.",
    "Could you shorten {first}? And what do experts say on {second}?",
    "Add a table on {second} please; leave {first} out.",
    "Good. One question: is {first} right? It contradicts {second}.",
)


class AgentFaults(NamedTuple):
    """What is wrong with the agent."""

    unretried_tool: bool = False
    """write_article fails in 12 % of its calls and is not called again."""
    unused_tool: bool = False
    """generate_image is offered and never called."""
    slow_model: bool = False
    """One of its two models takes three times as long."""
    repeated_block: bool = False
    """The style guide of about 650 tokens is in the prompt twice."""
    prompt_regression: bool = False
    """From day 12 on, the prompt lacks a rule, and thumbs down are five times as frequent."""


def format_time(time: datetime) -> str:
    """The time stamp of a trace."""
    return time.isoformat(timespec="milliseconds") + "Z"


class SimulatedAgent:
    """The agent of one day, with its chances."""

    def __init__(
        self, rng: np.random.Generator, text: str, faults: AgentFaults, cost_factor: float
    ) -> None:
        self.rng, self.text, self.faults, self.cost_factor = rng, text, faults, cost_factor
        self.version = digest_text(text)[:8]
        self.prompt_tokens = estimated_tokens(text)
        self.good = asks_first(text)
        self.offered = (*TOOLS, UNUSED_TOOL) if faults.unused_tool else TOOLS
        self.feedback: list[Feedback] = []

    def hold_session(self, name: str, start: datetime) -> Iterator[Trace]:
        """The traces of one conversation, one for each message of the user."""
        rng = self.rng
        model = SLOW_MODEL if rng.random() < 0.35 else USUAL_MODEL
        user = f"user-{rng.integers(60):02d}"
        topic = TOPICS[rng.integers(len(TOPICS))]
        messages: list[dict[str, Any]] = [{"role": "system", "content": self.text}]
        text = f"Please write an article about {topic}, {rng.integers(3, 12)}00 words, draft 1."
        turns, turn, time = min(int(rng.geometric(0.6)), 5), 1, start
        while turn <= turns:
            trace = self._answer(f"{name}-{turn}", name, user, model, (text, time, messages))
            yield trace
            self._rate(trace)
            messages = [*trace.payload.messages]
            time += timedelta(seconds=float(rng.uniform(60, 400)))
            if rng.random() < (0.01 if self.good else 0.25) and turns < 6:
                turns += 1  # the user asks for the same thing once more
            else:
                text = self._follow_up()
            turn += 1

    def _follow_up(self) -> str:
        form = FOLLOW_UPS[self.rng.integers(len(FOLLOW_UPS))]
        first, second = (PARTS[at] for at in self.rng.permutation(len(PARTS))[:2])
        return form.format(first=first, second=second)

    def _answer(
        self,
        trace_id: str,
        session: str,
        user: str,
        model: str,
        asked: tuple[str, datetime, list[dict[str, Any]]],
    ) -> Trace:
        text, time, before = asked
        messages = [*before, {"role": "user", "content": text}]
        events: list[Event] = []
        history = sum(estimated_tokens(str(m.get("content") or "")) for m in messages[1:])
        failed = False
        for tool in self._choose_tools(len(before) == 1):
            while True:
                events.append(self._call(model, history, 60))
                succeeds = self._succeeds(tool)
                events.append(self._use(tool, trace_id, succeeds, messages))
                history += 120
                if succeeds or (tool == FAILING_TOOL and self.faults.unretried_tool):
                    break
            failed = failed or not succeeds
        events.append(self._call(model, history, 350))
        final = "The article could not be written." if failed else f"Here it is: {text[:40]}…"
        messages.append({"role": "assistant", "content": final})
        latency = sum(e.latency_ms or 0 for e in events if isinstance(e, AgentCall))
        events.append(RequestDone(total_latency_ms=latency))
        return Trace(
            trace_id=trace_id,
            created_at=format_time(time),
            session_id=session,
            channel="whatsapp",
            channel_user_id=user,
            user_message=text,
            final_message=final,
            payload=Payload(
                events=tuple(events),
                summary=_summarise(events, latency),
                prompt_version=self.version,
                prompts={PROMPT_ID: self.version},
                messages=tuple(messages),
                tools_offered=self.offered,
            ),
        )

    def _choose_tools(self, first: bool) -> list[str]:
        chosen = ["web_search", "read_page"] if first and self.rng.random() < 0.8 else []
        chosen.append("write_article")
        if self.rng.random() < 0.5:
            chosen.append("check_links")
        if not first and self.rng.random() < 0.4:
            chosen.append("publish_post")
        return chosen

    def _succeeds(self, tool: str) -> bool:
        planted = tool == FAILING_TOOL and self.faults.unretried_tool
        return bool(self.rng.random() >= (0.12 if planted else 0.01))

    def _call(self, model: str, history: int, output: int) -> AgentCall:
        slow = model == SLOW_MODEL and self.faults.slow_model
        latency = float(self.rng.lognormal(np.log(6600 if slow else 2200), 0.35))
        written = int(output * self.cost_factor * self.rng.lognormal(0, 0.3))
        read = int((self.prompt_tokens + history) * self.cost_factor)
        return AgentCall(
            model=model,
            tokens=Tokens(input=read, output=written),
            latency_ms=round(latency, 1),
            cost_usd=read * PRICE[0] + written * PRICE[1],
        )

    def _use(
        self, tool: str, trace_id: str, succeeds: bool, messages: list[dict[str, Any]]
    ) -> ToolResult:
        call_id = f"call-{trace_id}-{len(messages)}"
        arguments = json.dumps({"topic": messages[1]["content"][:40]})
        error = "" if succeeds else "Error: the service answered 503"
        output = error or f"{tool}: done."
        function = {"name": tool, "arguments": arguments}
        call = {"id": call_id, "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call_id, "name": tool, "content": output})
        return ToolResult(
            tool_name=tool,
            success=succeeds,
            error=error,
            call_id=call_id,
            arguments=arguments,
            output=output,
        )

    def _rate(self, trace: Trace) -> None:
        chance = self.rng.random()
        down = 0.03 if self.good else 0.15
        if chance < down or chance > 0.9:
            self.feedback.append(
                Feedback(
                    trace_id=trace.trace_id,
                    thumb="down" if chance < down else "up",
                    comment="Not what I asked for." if chance < down else "",
                    created_at=trace.created_at,
                    channel_user_id=trace.channel_user_id,
                )
            )


def _summarise(events: list[Event], latency: float) -> TraceSummary:
    calls = [event for event in events if isinstance(event, AgentCall)]
    read, written = (sum(getattr(c.tokens, side) for c in calls) for side in ("input", "output"))
    tools = [event.tool_name for event in events if isinstance(event, ToolResult)]
    return TraceSummary(
        steps=len(calls),
        total_input_tokens=read,
        total_output_tokens=written,
        total_tokens=read + written,
        total_cost_usd=sum(call.cost_usd or 0.0 for call in calls),
        duration_ms=latency,
        models_used=tuple(dict.fromkeys(call.model for call in calls)),
        tools_used=tuple(dict.fromkeys(tools)),
    )
