"""Which models a call may be answered by: the lab's routing table, and who rests after failures.

A decision is made once for each version of the table; a call then costs a look into a dictionary.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.gateway.records import CallAttempt, RunId
from adapters.gateway.settings import Route
from adapters.gateway.upstream import UpstreamUnavailable
from adapters.wire.statuses import StatusKind, classify_status
from prompt_lab.benchmark.cooldowns import FILE as COOLDOWNS
from prompt_lab.benchmark.cooldowns import read_cooldowns, record_failures
from prompt_lab.benchmark.enforce_routing import (
    Fallbacks,
    RoutingDecision,
    follow_chain,
    log_routing_decision,
)
from prompt_lab.benchmark.folders import ROUTING, routing_folder
from prompt_lab.benchmark.routing_rules import RoutingConfig, read_routing, with_aliases
from prompt_lab.clock import utc_now
from prompt_lab.config.routing import GatewayRouting
from prompt_lab.store.layout import Lab

LOOK_SECONDS = 0.1
"""How often the files are looked at: a new rule counts after so long."""
WRITE_SECONDS = 0.05
_FAILED = (StatusKind.RETRYABLE, StatusKind.UNUSABLE)


class CallRouter:
    """The order of models for each call of a run. Without settings it is the run's own.

    A run without a phase keeps its models, since a measured model must not be replaced; only those
    that rest are asked last. `read_table` faults are raised as StoreError for each call until the
    file is right again.
    """

    def __init__(self, settings: GatewayRouting | None, routes: Mapping[str, Route]) -> None:
        self._settings, self._known = settings, frozenset(routes)
        self._aliases = {
            route.config.short: alias for alias, route in routes.items() if route.config.short
        }
        self._stamps: tuple[int, int] | None = None
        self._next_look = 0.0
        self._table = RoutingConfig()
        self._until: dict[str, float] = {}
        self._orders: dict[tuple[tuple[str, ...], str], tuple[str, ...] | str] = {}
        self._is_scheduled = False
        self._failures: Counter[str] = Counter()
        self._decisions: list[tuple[str, str, RoutingDecision]] = []

    def models_for(self, run: RunId) -> tuple[str, ...]:
        """Aliases in the order in which they are asked. Raises UpstreamUnavailable if none may."""
        if self._settings is None:
            return run.models
        self._look()
        order = run.models if not run.phase else self._order(run.models, run.phase)
        if len(order) > 1 and self._until:
            now = time.time()
            order = tuple(sorted(order, key=lambda alias: self._until.get(alias, 0.0) > now))
        return order

    def _order(self, models: tuple[str, ...], phase: str) -> tuple[str, ...]:
        known = self._orders.get((models, phase))
        if known is None:
            known = self._orders[models, phase] = self._decide(models, phase)
        if isinstance(known, str):
            raise UpstreamUnavailable(known)
        return known

    def _decide(self, models: tuple[str, ...], phase: str) -> tuple[str, ...] | str:
        """The order, or why there is none. The first decision of a table's version is logged."""
        chain = follow_chain(models[0], phase, self._table, self._fallbacks(models))
        order = tuple(alias for alias in chain.models if alias in self._known)
        first, rule = chain.first, chain.first.rule
        if not order:
            reason = f"routing keeps {models[0]} from phase {phase}: {'; '.join(chain.reasons)}"
            decision = RoutingDecision("", "blocked", reason, rule)
        elif order[0] != models[0]:
            reason = f"Routed from {models[0]} to {order[0]}: {first.reason}"
            decision = RoutingDecision(order[0], "routed", reason, rule)
        else:
            decision = RoutingDecision(order[0], "allowed", first.reason, rule)
        if rule is not None:
            self._decisions.append((models[0], phase, decision))
            self._schedule()
        return order or reason

    def _fallbacks(self, models: tuple[str, ...]) -> Fallbacks:
        """Those of the run, then those that are configured."""
        assert self._settings is not None
        found = {
            self._aliases.get(name, name): [self._aliases.get(one, one) for one in others]
            for name, others in self._settings.switches.fallbacks.items()
        }
        found[models[0]] = list(dict.fromkeys((*models[1:], *found.get(models[0], ()))))
        return found

    def _look(self) -> None:
        """Read the files again if they have changed."""
        now = time.monotonic()
        if self._settings is None or now < self._next_look:
            return
        lab = Lab(self._settings.lab)
        folder = routing_folder(lab)
        stamps = _stamp(folder / ROUTING), _stamp(folder / COOLDOWNS)
        if stamps != self._stamps:
            self._table = with_aliases(read_routing(lab, self._settings.switches), self._aliases)
            self._until = {name: one.until for name, one in read_cooldowns(lab).models.items()}
            if self._stamps is None or stamps[0] != self._stamps[0]:
                self._orders.clear()
            self._stamps = stamps
        self._next_look = now + LOOK_SECONDS

    def note(self, attempts: Sequence[CallAttempt]) -> None:
        """Count the failed attempts of a call, those that a retry made good included."""
        if self._settings is None or not self._settings.switches.cooldown_seconds:
            return
        failed = [attempt.model for attempt in attempts if _has_failed(attempt)]
        if failed:
            self._failures.update(failed)
            self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(WRITE_SECONDS, self.write)

    def write(self) -> None:
        """Write what waits: while no client does."""
        self._is_scheduled = False
        if self._settings is None:
            return
        lab, switches = Lab(self._settings.lab), self._settings.switches
        failures, self._failures = self._failures, Counter()
        decisions, self._decisions = self._decisions, []
        for alias, number in failures.items():
            found = record_failures(lab, alias, number, switches, now=time.time())
            self._until[alias] = found.until
        for model, phase, decision in decisions:
            log_routing_decision(lab, model, phase, decision, now=utc_now())


def _has_failed(attempt: CallAttempt) -> bool:
    """Whether the model's server failed; a refusal of this one request is an answer."""
    if attempt.problem:
        return True
    return attempt.status is not None and classify_status(attempt.status) in _FAILED


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
