"""The router of one lab: its table, its switches, its failover state (ports/model_router.py)."""

import time

from prompt_lab.benchmark.cooldowns import read_cooldowns, record_failures, why_cooling
from prompt_lab.benchmark.enforce_routing import (
    RoutingDecision,
    decide_route,
    log_routing_decision,
    validate_model_phase_compatibility,
)
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.routing_rules import RoutingConfig, read_routing, with_aliases
from prompt_lab.clock import utc_now
from prompt_lab.config.routing import GatewayRouting, RoutingSwitches
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports.model_router import ChosenRoute


class LabRouter:
    """Routes by what is on disk at each decision, so that the next command obeys a new rule.

    Where suites of several phases have a step, a model does the step only if it may do all of them.
    """

    def __init__(self, ctx: LabContext) -> None:
        self._ctx = ctx

    @property
    def switches(self) -> RoutingSwitches:
        """What the harness's configuration says of routing."""
        return read_harness_config(self._ctx).routing

    def table(self) -> RoutingConfig:
        """The table with aliases; an empty one where routing is switched off."""
        aliases = {m.short: m.alias for m in self._ctx.models.values() if m.short}
        return with_aliases(read_routing(self._ctx.lab, self.switches), aliases)

    def phases(self, step: str) -> tuple[str, ...]:
        """The phases of all suites that have this step."""
        suites = self._ctx.files.entries("suites", SuiteConfig).values()
        return tuple(sorted({suite.phase for suite in suites if suite.step == step}))

    def phase_of(self, step: str) -> str:
        """The first of the step's phases."""
        phases = self.phases(step) if self.switches.enabled else ()
        return phases[0] if phases else ""

    def decide(self, alias: str, phase: str, step: str, *, force: bool) -> RoutingDecision:
        """Which model does a phase. Fallbacks that lack a key, rest or are no models are passed."""
        table, switches = self.table(), self.switches
        aliases = {m.short: m.alias for m in self._ctx.models.values() if m.short}
        others = {
            aliases.get(name, name): [aliases.get(one, one) for one in names]
            for name, names in switches.fallbacks.items()
        }

        def why_unusable(name: str) -> str | None:
            model = self._ctx.models.get(name)
            if model is None:
                return "is no model of this project"
            return (
                self._ctx.why_not(model, step)
                or why_cooling(self._ctx.lab, name, now=time.time())
                or self._why_kept_away(name, step, table, phase)
            )

        return decide_route(
            alias, phase, table, force=force, fallbacks=others, why_unusable=why_unusable
        )

    def _why_kept_away(self, name: str, step: str, table: RoutingConfig, phase: str) -> str | None:
        """By a rule on another phase of the same step."""
        for other in self.phases(step):
            found = validate_model_phase_compatibility(name, other, table)
            if other != phase and not found.allow:
                return f"is kept from {other}: {found.reason}"
        return None

    def route(self, alias: str, step: str, *, force: bool) -> ChosenRoute:
        """See ports/model_router.py."""
        _, decision = self._decide_step(alias, step, force=force)
        message = "" if decision.decision == "allowed" else decision.reason
        return ChosenRoute(decision.model, message)

    def log_route(self, alias: str, step: str, *, force: bool) -> None:
        """See ports/model_router.py."""
        phase, decision = self._decide_step(alias, step, force=force)
        if decision.rule is not None:
            log_routing_decision(self._ctx.lab, alias, phase, decision, now=utc_now())

    def _decide_step(self, alias: str, step: str, *, force: bool) -> tuple[str, RoutingDecision]:
        """The first phase whose rule keeps the model away, or the last one that a rule allows."""
        found = "", RoutingDecision(alias, "allowed", "no rule", None)
        for phase in self.phases(step) if self.table().rules else ():
            decision = self.decide(alias, phase, step, force=force)
            if decision.rule is not None:
                found = phase, decision
            if decision.decision != "allowed":
                break
        return found

    def is_resting(self, alias: str) -> bool:
        """See ports/model_router.py."""
        return alias in read_cooldowns(self._ctx.lab).resting(time.time())

    def note_failures(self, alias: str, failures: int) -> None:
        """See ports/model_router.py."""
        switches = self.switches
        if switches.enabled and switches.cooldown_seconds and failures > 0:
            record_failures(self._ctx.lab, alias, failures, switches, now=time.time())

    def gateway_routing(self) -> GatewayRouting | None:
        """See ports/model_router.py."""
        switches = self.switches
        if not switches.enabled:
            return None
        return GatewayRouting(lab=self._ctx.lab.root.resolve(), switches=switches)
