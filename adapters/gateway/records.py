"""What is kept of each call, and what a run used: the sum of its calls."""

from collections import Counter
from collections.abc import Sequence
from math import fsum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from prompt_lab.names import Side
from prompt_lab.records import RECORDED

Origin = Literal["live", "replay of the same request", "replay of recorded answers"]
LIVE: Origin = "live"
REPLAYED: Origin = "replay of the same request"
KEYED: Origin = RECORDED


class GatewayRecord(BaseModel):
    """A record of this room: a key that it does not know is a fault."""

    model_config = ConfigDict(extra="forbid")


class RunId(GatewayRecord):
    """Whose calls a token stands for. `models` are aliases: the first, then its fallbacks."""

    models: tuple[str, ...]
    plan: str
    side: Side
    replicate: int
    phase: str = ""
    """The suite phase that calls are routed by; '': the run keeps its models."""


class CallAttempt(GatewayRecord):
    """One call of one model. `status` is None where no HTTP answer came; seconds are wall time."""

    model: str
    status: int | None = None
    problem: str = ""
    note: str = ""
    waited: float = 0.0
    seconds: float = 0.0
    pause: float = 0.0


class CallRecord(GatewayRecord):
    """One call of a target, redacted. `answered_by` is an alias, '' where no model did.

    `counted` is False where the answer named no tokens. Seconds are wall time in the gateway;
    `waited` is the part before a place was free; of a replay both are the recorded ones.
    """

    v: int = 1
    run: RunId
    number: int
    dialect: str
    key: str
    origin: Origin = LIVE
    begun: str
    seconds: float = 0.0
    waited: float = 0.0
    attempts: list[CallAttempt] = []
    answered_by: str = ""
    model_id: str = ""
    status: int = 0
    streamed: bool = False
    request: dict[str, Any]
    answer: str = ""
    finish: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    counted: bool = False
    cost: float = 0.0
    error: str = ""

    @property
    def retries(self) -> int:
        """Attempts beyond the first, on whichever model: those of a dead one that fell back too."""
        return max(0, len(self.attempts) - 1)

    @property
    def seconds_elsewhere(self) -> float:
        """Part of the seconds that models took, with pauses, which did not answer in the end."""
        others = [
            one for one in self.attempts if self.answered_by and one.model != self.answered_by
        ]
        return min(self.seconds, fsum(one.waited + one.seconds + one.pause for one in others))


class GatewayUsage(GatewayRecord):
    """The sum over a run's calls. Cost in US dollars; `open` calls have not ended yet."""

    calls: int = 0
    failed: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0
    answered_by: dict[str, int] = {}
    origins: tuple[str, ...] = ()
    open: int = 0

    @classmethod
    def sum_calls(cls, calls: Sequence[CallRecord], still_open: int = 0) -> "GatewayUsage":
        """Exact in any order of the calls."""
        answered = Counter(call.answered_by for call in calls if call.answered_by)
        return cls(
            calls=len(calls),
            failed=sum(not call.answered_by for call in calls),
            retries=sum(call.retries for call in calls),
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            uncounted=sum(bool(call.answered_by) and not call.counted for call in calls),
            cost=fsum(call.cost for call in calls),
            seconds=fsum(call.seconds for call in calls),
            waited=fsum(call.waited for call in calls),
            answered_by=dict(sorted(answered.items())),
            origins=tuple(sorted({call.origin for call in calls})),
            open=still_open,
        )
