"""Enforce the routing table at run time, and keep an audit trail of what it decided."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from prompt_lab.benchmark.folders import DECISIONS, routing_folder
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule
from prompt_lab.store.files import append_row, disk_errors, read_rows
from prompt_lab.store.layout import Lab

Fallbacks = Mapping[str, Sequence[str]]
"""model -> the models to ask in its place, in their order."""


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


class RouteChain(NamedTuple):
    """A model, its fallbacks, theirs, and so on, for one phase."""

    first: Compatibility
    """Of the model asked for."""
    models: tuple[str, ...]
    """Those that the table lets do the phase, in the order in which they are asked."""
    reasons: tuple[str, ...]
    """Why each of the others may not, the model asked for first."""


def follow_chain(
    model: str, phase: str, routing: RoutingConfig, fallbacks: Fallbacks | None = None
) -> RouteChain:
    """Breadth first: a rule's own fallback, then those that are configured for the model.

    >>> rule = RoutingRule(model="a", phase="x", allow=False, fallback_model="b")
    >>> follow_chain("a", "x", RoutingConfig(rules=(rule,)), {"b": ("c",)}).models
    ('b', 'c')
    >>> follow_chain("a", "x", RoutingConfig(rules=(rule,)), {"a": ("b",)}).reasons
    ('rule of a file',)
    """
    first = validate_model_phase_compatibility(model, phase, routing)
    allowed, reasons, waiting, seen = [], [], [model], {model}
    while waiting:
        name = waiting.pop(0)
        found = validate_model_phase_compatibility(name, phase, routing)
        if found.allow:
            allowed.append(name)
        else:
            reasons.append(found.reason if name == model else f"{name}: {found.reason}")
        own = found.rule.fallback_model if found.rule else ""
        following = dict.fromkeys([*([own] if own else []), *(fallbacks or {}).get(name, ())])
        for other in following:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
            elif not found.allow:
                reasons.append(f"the fallbacks go in a circle at {other}")
    return RouteChain(first, tuple(allowed), tuple(reasons))


def decide_route(
    model: str,
    phase: str,
    routing: RoutingConfig,
    *,
    force: bool = False,
    fallbacks: Fallbacks | None = None,
    why_unusable: Callable[[str], str | None] = lambda _: None,
) -> RoutingDecision:
    """Follow the fallback chain to the first model that may and can do the phase."""
    chain = follow_chain(model, phase, routing, fallbacks)
    first = chain.first
    if first.allow:
        return RoutingDecision(model, "allowed", first.reason, first.rule)
    if force:
        reason = f"--force-model, against the rule: {first.reason}"
        return RoutingDecision(model, "forced", reason, first.rule)
    reasons = list(chain.reasons)
    for name in chain.models:
        problem = why_unusable(name)
        if problem is None:
            reason = f"Routed from {model} to {name}: {first.reason}"
            return RoutingDecision(name, "routed", reason, first.rule)
        reasons.append(f"{name}: {problem}")
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
