"""A dearer model where a cheaper one did as well."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import permutations

from prompt_lab.names import count
from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    agent_calls,
    has_failed,
    percent,
    plain_name,
    read_cost,
    tool_results,
)
from prompt_lab.production.prices import EstimatedPrice
from prompt_lab.production.rates import difference_interval, is_no_worse
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

FEWEST_SESSIONS = 30


class ModelSessions:
    """Sessions that one model alone answered: how many, how many went badly, what they cost."""

    def __init__(self) -> None:
        self.sessions = self.bad = self.current = 0
        self.current_cost = 0.0
        self.ids = TraceIds()


class ModelSession:
    """One session: the models that worked in it, how it went, and what it cost."""

    def __init__(self) -> None:
        self.models: set[str] = set()
        self.bad = self.current = False
        self.cost = 0.0
        self.first: Trace | None = None


class DearModels:
    """Cost: sessions of two models side by side, in the window and its history.

    A session went badly with a thumb down, an error, a tool that failed last, or a reward below
    1/2. The cheaper model did as well if it is shown to have at most `quality_margin` more of them.
    Sessions in which several models worked are left out: nothing says which one it was.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[ModelSession] = OpenSessions(ModelSession, self._close)
        self._models: dict[str, ModelSessions] = defaultdict(ModelSessions)

    def read_trace(self, trace: Trace) -> None:
        """Count a trace, also one of the history."""
        session, calls = self._open.find_state(trace), agent_calls(trace)
        session.first = session.first or trace
        session.models.update(call.model for call in calls)
        results, outcome = tool_results(trace), trace.payload.outcome
        session.bad = (
            session.bad
            or self._context.thumbs.get(trace.trace_id) == "down"
            or (bool(calls) and bool(calls[-1].error))
            or (bool(results) and has_failed(results[-1]))
            or (outcome is not None and outcome < 0.5)
        )
        session.current = session.current or self._context.is_current(trace)
        session.cost += read_cost(trace) or 0.0

    def _close(self, session: ModelSession) -> None:
        if len(session.models) != 1 or session.first is None:
            return
        name = next(iter(session.models))
        if name not in self._context.prices.models:
            return
        model = self._models[name]
        model.sessions += 1
        model.bad += session.bad
        if session.current:
            model.current += 1
            model.current_cost += session.cost
            model.ids.add(session.first)

    def find(self) -> Iterable[Finding]:
        """One finding for each pair of models whose prices are known and differ enough."""
        self._open.close_all()
        prices = {
            name: price
            for name, model in self._models.items()
            if model.sessions >= FEWEST_SESSIONS
            and (price := self._context.prices.models[name].estimate()) is not None
        }
        for dear, cheap in permutations(sorted(prices), 2):
            if self._models[dear].current and self._is_dearer(prices[dear], prices[cheap]):
                yield self._describe(dear, cheap, prices)

    def _is_dearer(self, one: EstimatedPrice, other: EstimatedPrice) -> bool:
        times = self._context.policy.dearer_model
        return one.input >= times * other.input > 0 and one.output >= times * other.output > 0

    def _describe(self, dear: str, cheap: str, prices: dict[str, EstimatedPrice]) -> Finding:
        old, new = self._models[dear], self._models[cheap]
        rates = ((new.bad, new.sessions), (old.bad, old.sessions))
        p_value = is_no_worse(*rates, self._context.policy.quality_margin)
        limits = difference_interval(*rates)
        price = prices[cheap], prices[dear]
        share = max(price[0].input / price[1].input, price[0].output / price[1].output)
        saved = (1 - share) * old.current_cost / self._context.days
        shown, other = plain_name(dear), plain_name(cheap)
        bad = f"{percent(new.bad / new.sessions)} of its sessions went badly"
        return Finding(
            detector="dear_models",
            key=f"{dear} {cheap}",
            goal=Goal.COST,
            type=ItemType.CONFIG_CHANGE,
            title=f"{other} did as well as {shown} at {percent(share)} of the price",
            impact=f"~${saved:,.2f} a day; {bad}, {percent(old.bad / old.sessions)} of the other's",
            fix=f"Use {other} in {count(old.current, 'session')} like these.",
            config_key="model",
            config_value=cheap,
            evidence=FindingEvidence(
                counts={
                    "sessions of the dearer model": old.sessions,
                    "that went badly": old.bad,
                    "sessions of the cheaper model": new.sessions,
                    "of these, that went badly": new.bad,
                },
                trace_ids=old.ids.read(),
                rate=new.bad / new.sessions - old.bad / old.sessions,
                interval=limits,
                p_value=p_value,
                usd_per_day=saved,
            ),
        )
