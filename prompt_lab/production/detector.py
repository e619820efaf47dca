"""What a detector is, and what all of them use. A detector reads a stream and keeps only counts."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Generic, Protocol, TypeVar

from pydantic import Field

from prompt_lab.analyze.words import visible
from prompt_lab.config.base import Config
from prompt_lab.production.prices import PriceTable
from prompt_lab.production.rates import share_interval
from prompt_lab.reviews import Finding, FindingEvidence
from prompt_lab.traces import AgentCall, ToolResult, Trace, UserMessage, Window

S = TypeVar("S")

MOST_IDS = 20
MOST_SESSIONS = 20_000
DAY_SECONDS = 86_400.0


class DetectionPolicy(Config):
    """What is tolerated, as shares, and from where on a cost is worth a line.

    A rate is a finding when it is shown to be above its limit, not when it merely looks higher.
    """

    off: tuple[str, ...] = Field(default=(), description="names of detectors that are not run")
    failed_calls: float = Field(default=0.02, gt=0, lt=1, description="of a tool's calls")
    unretried_calls: float = Field(
        default=0.0005, gt=0, lt=1, description="of a tool's calls: failed, and not called again"
    )
    mostly_failed_calls: float = Field(default=0.25, gt=0, lt=1, description="of a tool's calls")
    error_answers: float = Field(default=0.02, gt=0, lt=1, description="of the traces")
    repeated_requests: float = Field(default=0.05, gt=0, lt=1, description="of the sessions")
    long_sessions: float = Field(default=0.10, gt=0, lt=1, description="of the sessions")
    long_session_messages: int = Field(default=15, ge=2, description="more than this is long")
    thumbs_down: float = Field(default=0.05, gt=0, lt=1, description="of the traces")
    least_tool_use: float = Field(
        default=0.03, gt=0, lt=1, description="of the sessions that offer it; a rarer one is unused"
    )
    cost_increase: float = Field(
        default=0.10, ge=0, description="of a session's cost from one prompt version to the next"
    )
    slower_model: float = Field(default=1.5, ge=1, description="times the latency of another")
    dearer_model: float = Field(default=1.25, ge=1, description="times the price of another")
    quality_margin: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="share of bad sessions by which a cheaper model may be worse",
    )
    least_block_tokens: int = Field(default=100, ge=10, description="of a block that repeats")
    section_tokens: int = Field(default=1000, ge=10, description="of a section worth a line")
    section_share: float = Field(default=0.4, gt=0, lt=1, description="of the tokens of a turn")
    least_context_tokens: int = Field(default=200, ge=10, description="of context that is unused")
    context_use: float = Field(default=0.02, gt=0, lt=1, description="of the traces that use it")


class DetectionContext:
    """What a detector may look up. `thumbs` maps a trace's id to 'up' or 'down'.

    `earlier_prompts` maps a version, or its first 8 characters, to the text that it had.
    """

    def __init__(
        self,
        window: Window,
        prompts: Mapping[str, str],
        thumbs: Mapping[str, str],
        policy: DetectionPolicy,
        earlier_prompts: Mapping[str, str],
    ) -> None:
        self.window, self.prompts, self.thumbs = window, prompts, thumbs
        self.policy = policy
        # traces name a version by its first 8 characters, a registry by all of them
        short = {version[:8]: text for version, text in earlier_prompts.items()}
        self.earlier_prompts = {**short, **earlier_prompts}
        self.prices = PriceTable()

    @property
    def days(self) -> float:
        """Length of the window, at least one hour."""
        start, end = (parse_time(time) for time in self.window)
        return max((end - start).total_seconds() / DAY_SECONDS, 1 / 24)

    def is_current(self, trace: Trace) -> bool:
        """Whether the trace is of the window; earlier ones are history."""
        return self.window.start <= trace.created_at < self.window.end


def parse_time(time: str) -> datetime:
    """A time stamp in ISO 8601."""
    return datetime.fromisoformat(time.replace("Z", "+00:00"))


class Detector(Protocol):
    """Looks for one kind of fault. Made with a DetectionContext, used for one review."""

    replaces: tuple[str, ...]
    """Detectors whose finding with the same key says less than this one's."""

    def read_trace(self, trace: Trace) -> None:
        """Count one trace. They come by time, those before the window first. Memory is bounded."""

    def find(self) -> Iterable[Finding]:
        """A finding for each hypothesis that was tested, also where it does not hold.

        evidence.p_value is that of the test; None for a fact that no chance is involved in.
        """


class OpenSessions(Generic[S]):
    """A state for each session of the last `limit`; the one not seen for longest is closed.

    A session that goes on after it was closed counts as a new one.
    """

    def __init__(
        self, make: Callable[[], S], close: Callable[[S], None], limit: int = MOST_SESSIONS
    ) -> None:
        self._make, self._close, self._limit = make, close, limit
        self._states: OrderedDict[str, S] = OrderedDict()

    def find_state(self, trace: Trace) -> S:
        """The state of the trace's session."""
        session = trace.session
        state = self._states.get(session)
        if state is None:
            state = self._states[session] = self._make()
            if len(self._states) > self._limit:
                self._close(self._states.popitem(last=False)[1])
        else:
            self._states.move_to_end(session)
        return state

    def close_all(self) -> None:
        """Close what is open."""
        while self._states:
            self._close(self._states.popitem(last=False)[1])


class TraceIds:
    """The first ids that were added, without repeats."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def add(self, trace: Trace) -> None:
        """Keep the trace's id while there is room."""
        if len(self._ids) < MOST_IDS:
            self._ids[trace.trace_id] = None

    def read(self) -> tuple[str, ...]:
        """The ids, oldest first."""
        return tuple(self._ids)


def has_failed(event: ToolResult) -> bool:
    """Whether a tool's call failed. One of which nothing says it did not."""
    return event.success is False or (event.success is None and bool(event.error))


def agent_calls(trace: Trace) -> list[AgentCall]:
    """The calls of models, in order."""
    # isinstance() of a pydantic class takes ten times as long
    return [event for event in trace.payload.events if type(event) is AgentCall]


def tool_results(trace: Trace) -> list[ToolResult]:
    """What the tools answered, in order."""
    return [event for event in trace.payload.events if type(event) is ToolResult]


def read_cost(trace: Trace) -> float | None:
    """US dollars of the trace; None where it is not known, or no amount."""
    cost = trace.payload.summary.total_cost_usd
    return cost if cost is not None and isfinite(cost) and cost >= 0 else None


def user_messages(trace: Trace) -> tuple[str, ...]:
    """What the user wrote in the trace, in order."""
    texts = tuple(e.text for e in trace.payload.events if type(e) is UserMessage)
    return texts or ((trace.user_message,) if trace.user_message else ())


def plain_name(name: str) -> str:
    """A name out of a trace on one line, of at most 60 characters.

    >>> plain_name("write_\\narticle")
    'write_ article'
    """
    text = " ".join(visible(name).split()) or "(no name)"
    return text if len(text) <= 60 else text[:59] + "…"


def times(number: int) -> str:
    """How often.

    >>> times(1), times(2), times(1200)
    ('once', 'twice', '1,200 times')
    """
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def percent(share: float) -> str:
    """A share for a title.

    >>> percent(0.034), percent(0.5)
    ('3.4 %', '50 %')
    """
    return f"{share * 100:.1f} %" if share < 0.1 else f"{share * 100:.0f} %"


def rate_evidence(
    hits: int, total: int, p_value: float | None, ids: TraceIds, counts: Mapping[str, float]
) -> FindingEvidence:
    """Evidence of a rate with its exact interval."""
    return FindingEvidence(
        counts=dict(counts),
        trace_ids=ids.read(),
        rate=hits / total if total else None,
        interval=share_interval(hits, total) if total else None,
        hits=hits,
        total=total,
        p_value=p_value,
    )
