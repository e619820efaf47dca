"""A model that takes much longer than another one of the same agent."""

from collections import defaultdict
from collections.abc import Iterable
from math import exp, inf, log, sqrt
from typing import NamedTuple

from scipy.special import stdtr

from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    agent_calls,
    plain_name,
)
from prompt_lab.production.rates import Moments
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

FEWEST_SESSIONS = 10
"""Of each model and size of answer."""
MOST_MODELS = 50
_Size = tuple[str, int]


class Slowdown(NamedTuple):
    """The log of how many times slower one model is: estimate, standard error, freedom."""

    log_ratio: float
    error: float
    freedom: float

    def exceeds(self, margin: float) -> float:
        """One-sided p value that the log of the ratio is above the margin."""
        return float(stdtr(self.freedom, (margin - self.log_ratio) / self.error))


class SlowModels:
    """Cost: time. Answers of like length are compared, one value for each session and model.

    Window and history count; a model that the window does not use is no finding.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[dict[_Size, Moments]] = OpenSessions(dict, self._close)
        self._models: dict[str, dict[int, Moments]] = defaultdict(dict)
        self._ids: dict[str, TraceIds] = defaultdict(TraceIds)

    def read_trace(self, trace: Trace) -> None:
        """Take the latencies of a trace, also of one of the history."""
        session, is_current = self._open.find_state(trace), self._context.is_current(trace)
        for call in agent_calls(trace):
            latency = call.latency_ms or 0.0
            if not 0 < latency < inf or call.error:
                continue
            if call.model not in self._models and len(self._models) >= MOST_MODELS:
                continue
            size = (call.model, max(call.tokens.output, 0).bit_length())
            session[size] = session.get(size, Moments()).add(log(latency))
            self._models[call.model]
            if is_current:
                self._ids[call.model].add(trace)

    def _close(self, session: dict[_Size, Moments]) -> None:
        for (model, size), moments in session.items():
            sizes = self._models[model]
            sizes[size] = sizes.get(size, Moments()).add(moments.mean)

    def find(self) -> Iterable[Finding]:
        """For each model, the comparison with the one that it is slowest against."""
        self._open.close_all()
        margin = log(self._context.policy.slower_model)
        for model in sorted(self._ids):  # those that the window uses
            others = {
                other: found
                for other in self._models
                if other != model and (found := self._compare(model, other)) is not None
            }
            if others:
                other = min(others, key=lambda name: others[name].exceeds(margin))
                p_value = min(1.0, len(others) * others[other].exceeds(margin))
                yield self._describe(model, other, others[other], p_value)

    def _compare(self, model: str, other: str) -> Slowdown | None:
        """Weighted mean over the sizes of answers that both models gave often enough."""
        weight = total = freedom = 0.0
        for size, mine in self._models[model].items():
            theirs = self._models[other].get(size, Moments())
            if min(mine.size, theirs.size) < FEWEST_SESSIONS or not mine.squares + theirs.squares:
                continue
            precision = 1 / (mine.error + theirs.error)
            weight += precision
            total += precision * (mine.mean - theirs.mean)
            freedom += min(mine.size, theirs.size) - 1
        return Slowdown(total / weight, 1 / sqrt(weight), freedom) if weight else None

    def _describe(self, model: str, other: str, found: Slowdown, p_value: float) -> Finding:
        shown, quick = plain_name(model), plain_name(other)
        ratio = exp(found.log_ratio)
        limits = [exp(found.log_ratio + sign * 1.96 * found.error) for sign in (-1, 1)]
        return Finding(
            detector="slow_models",
            key=model,
            goal=Goal.COST,
            type=ItemType.CONFIG_CHANGE,
            title=f"{shown} takes {ratio:.1f} times as long as {quick} for answers of like length",
            impact=f"users wait {ratio - 1:.1f} times longer (95 %: {limits[0]:.1f} to "
            f"{limits[1]:.1f} times as long)",
            fix=f"Use {quick} where {shown} is used, if its answers are as good.",
            config_key="model",
            config_value=other,
            evidence=FindingEvidence(
                counts={
                    "sessions": sum(m.size for m in self._models[model].values()),
                    "times as long": ratio,
                    "times as long from": limits[0],
                    "times as long to": limits[1],
                },
                trace_ids=self._ids[model].read(),
                p_value=p_value,
            ),
        )
