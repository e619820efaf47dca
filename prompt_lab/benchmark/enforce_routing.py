"""Enforce the routing table at run time, and keep an audit trail of what it decided."""

from collections.abc import Callable
from typing import NamedTuple

from prompt_lab.benchmark.folders import DECISIONS, routing_folder
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule
from prompt_lab.records import Record
from prompt_lab.store.files import append_row, disk_errors, read_if_whole, read_rows, write_record
from prompt_lab.store.layout import Lab

COOLDOWNS = "cooldowns.json"


class Compatibility(NamedTuple):
    """Whether a model may do a phase, and by which rule."""

    allow: bool
    reason: str
    rule: RoutingRule | None


class RoutingDecision(NamedTuple):
    """Which model runs. `model` is '' where none may."""

    model: str
    decision: str
    """allowed, routed, blocked or forced."""
    reason: str
    rule: RoutingRule | None


def validate_model_phase_compatibility(
    model: str, phase: str, routing: RoutingConfig
) -> Compatibility:
    """What the table says of a model on a phase; without a rule it may do it."""
    rule = routing.find(model, phase)
    if rule is None:
        return Compatibility(True, "no rule", None)
    return Compatibility(rule.allow, rule.reason or f"rule of {rule.source or 'a file'}", rule)


def decide_route(
    model: str,
    phase: str,
    routing: RoutingConfig,
    *,
    force: bool = False,
    why_unusable: Callable[[str], str | None] = lambda _: None,
) -> RoutingDecision:
    """Follow the fallback chain to the first model that may and can do the phase."""
    first = validate_model_phase_compatibility(model, phase, routing)
    if first.allow:
        return RoutingDecision(model, "allowed", first.reason, first.rule)
    if force:
        reason = f"--force-model, against the rule: {first.reason}"
        return RoutingDecision(model, "forced", reason, first.rule)
    tried, current, reasons = [model], first, [first.reason]
    while current.rule is not None and current.rule.fallback_model:
        name = current.rule.fallback_model
        if name in tried:
            reasons.append(f"the fallbacks go in a circle at {name}")
            break
        tried.append(name)
        current = validate_model_phase_compatibility(name, phase, routing)
        problem = why_unusable(name)
        if current.allow and problem is None:
            reason = f"Routed from {model} to {name}: {first.reason}"
            return RoutingDecision(name, "routed", reason, first.rule)
        reasons.append(f"{name}: {problem or current.reason}")
    return RoutingDecision("", "blocked", "; ".join(reasons), first.rule)


def log_routing_decision(
    lab: Lab, original: str, phase: str, decision: RoutingDecision, *, now: str
) -> None:
    """Append one row to routing_decisions.jsonl."""
    folder = routing_folder(lab)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    rule = decision.rule
    append_row(
        folder / DECISIONS,
        {
            "timestamp": now,
            "original_model": original,
            "fallback_model": decision.model if decision.decision == "routed" else "",
            "phase": phase,
            "reason": decision.reason,
            "decision": decision.decision,
            "rule": rule.target if rule else "",
            "runs": list(rule.runs) if rule else [],
        },
    )


def read_decisions(lab: Lab) -> list[dict[str, object]]:
    """The audit trail, oldest first; rows of older versions included."""
    return read_rows(routing_folder(lab) / DECISIONS)


class Cooldown(Record):
    """One model's failures and until when it is not asked."""

    failures: int = 0
    until: float = 0.0


class Cooldowns(Record):
    """cooldowns.json: survives a restart."""

    models: dict[str, Cooldown] = {}


def record_failures(lab: Lab, model: str, failures: int, seconds: float, *, now: float) -> Cooldown:
    """Count failures of a model, those that a retry made good included; it rests for `seconds`.

    `now` is seconds of the epoch, so that the state holds after a restart.
    """
    found = read_cooldowns(lab)
    old = found.models.get(model, Cooldown())
    new = Cooldown(failures=old.failures + failures, until=max(old.until, now + seconds))
    models = {**found.models, model: new}
    write_record(routing_folder(lab) / COOLDOWNS, Cooldowns(models=models))
    return new


def read_cooldowns(lab: Lab) -> Cooldowns:
    """The state; an empty one where there is none to read."""
    return read_if_whole(routing_folder(lab) / COOLDOWNS, Cooldowns) or Cooldowns()


def why_cooling(lab: Lab, model: str, *, now: float) -> str | None:
    """Why a model rests, or None."""
    state = read_cooldowns(lab).models.get(model)
    if state is None or state.until <= now:
        return None
    return f"rests for {state.until - now:.0f} s more after {state.failures} failures"
