"""Small traces for tests of detectors."""

from collections.abc import Iterable, Mapping, Sequence

from prompt_lab.production.detect import Detection, run_detectors
from prompt_lab.production.detector import DetectionPolicy
from prompt_lab.reviews import Finding
from prompt_lab.traces import (
    AgentCall,
    Event,
    Feedback,
    Payload,
    ToolResult,
    Trace,
    TraceSummary,
    Window,
)

WINDOW = Window("2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z")
MONTH = Window("2026-01-28T00:00:00.000Z", "2026-02-27T00:00:00.000Z")


def make_trace(
    number: int,
    events: Iterable[Event] = (),
    *,
    session: str = "",
    day: str = "2026-02-26",
    text: str = "",
    final: str = "Done.",
    cost: float | None = None,
    **payload: object,
) -> Trace:
    """Trace `number` of a day; equal numbers have equal ids and times."""
    seconds = number % 86_400
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000Z"
    return Trace(
        trace_id=f"{day}-{number}",
        created_at=f"{day}T{clock}",
        session_id=session or f"{day}-s{number}",
        user_message=text,
        final_message=final,
        payload=Payload.model_validate(
            {"events": tuple(events), "summary": TraceSummary(total_cost_usd=cost), **payload}
        ),
    )


def make_call(model: str = "m", read: int = 1000, written: int = 100, **more: object) -> AgentCall:
    """A call of a model."""
    tokens = {"input": read, "output": written}
    return AgentCall.model_validate({"model": model, "tokens": tokens, **more})


def review(
    traces: Sequence[Trace],
    feedback: Sequence[Feedback] = (),
    prompts: Mapping[str, str] | None = None,
    *,
    window: Window = WINDOW,
    policy: DetectionPolicy | None = None,
    earlier: Mapping[str, str] | None = None,
) -> Detection:
    """All detectors over the traces."""
    return run_detectors(
        traces, feedback, prompts or {}, window=window, policy=policy, earlier_prompts=earlier
    )


def find_one(detection: Detection, detector: str) -> Finding:
    """The only finding of a detector."""
    found = [one for one in detection.findings if one.detector == detector]
    assert len(found) == 1, [one.identity for one in detection.findings]
    return found[0]


def names(detection: Detection) -> set[str]:
    """The detectors that found something."""
    return {one.detector for one in detection.findings}


def use(tool: str, *results: bool | None, error: str = "") -> list[ToolResult]:
    """Calls of a tool with these results."""
    return [ToolResult(tool_name=tool, success=result, error=error) for result in results]


def fill(count: int, **changes: object) -> list[Trace]:
    """So many traces of sessions without a fault."""
    return [make_trace(10_000 + at, use("search", True), **changes) for at in range(count)]  # type: ignore[arg-type]
