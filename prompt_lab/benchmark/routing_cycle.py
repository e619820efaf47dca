"""Feedback and enforcement on a lab: read benchmarks, write feedback and the routing table."""

import time

from prompt_lab.benchmark.enforce_routing import (
    RoutingDecision,
    decide_route,
    log_routing_decision,
    why_cooling,
)
from prompt_lab.benchmark.feedback import build_feedback
from prompt_lab.benchmark.feedback_records import HarnessFeedback
from prompt_lab.benchmark.folders import FEEDBACK, benchmarks_folder, read_all_results
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.routing_rules import (
    RoutingConfig,
    generate_routing_rules,
    read_routing,
    write_routing,
)
from prompt_lab.clock import utc_now
from prompt_lab.errors import UnknownName
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.files import write_record

USUAL_TOKENS = (1000, 200)
"""Input and output tokens of a call, where a price is to be compared without a measurement."""


def update_feedback(ctx: LabContext) -> HarnessFeedback:
    """Write harness_feedback.json from the recent benchmarks."""
    config = read_harness_config(ctx)
    prices = {alias: price_of_call(ctx, alias) for alias in ctx.models}
    feedback = build_feedback(read_all_results(ctx.lab), config, prices, now=utc_now())
    write_record(benchmarks_folder(ctx.lab) / FEEDBACK, feedback)
    return feedback


def price_of_call(ctx: LabContext, alias: str) -> float:
    """Dollars of a usual call; 0 where the model names no price."""
    price = ctx.models[alias].price
    if price is None:
        return 0.0
    return (price.input * USUAL_TOKENS[0] + price.output * USUAL_TOKENS[1]) / 1e6


def update_routing(ctx: LabContext, feedback: HarnessFeedback) -> RoutingConfig:
    """Write routing_config.json by the feedback's recommendations."""
    before = read_routing(ctx.lab)
    routing = generate_routing_rules(feedback.recommendations, now=utc_now(), before=before)
    write_routing(ctx.lab, routing)
    return routing


def route_model(
    ctx: LabContext, model: str, phase: str, step: str, *, force: bool
) -> RoutingDecision:
    """Which model does a phase in place of the one asked for; the decision is logged."""
    config = read_harness_config(ctx)
    routing = read_routing(ctx.lab, config.routing)

    def why_unusable(name: str) -> str | None:
        try:
            [found] = ctx.select_models([name])
        except UnknownName:
            return "is no model of this project"
        return ctx.why_not(found, step) or why_cooling(ctx.lab, found.alias, now=time.time())

    decision = decide_route(model, phase, routing, force=force, why_unusable=why_unusable)
    log_routing_decision(ctx.lab, model, phase, decision, now=utc_now())
    return decision


def render_feedback(feedback: HarnessFeedback, routing: RoutingConfig) -> str:
    """What a person reads after a benchmark."""
    lines = []
    for one in feedback.recommendations:
        state = "allow" if one.allow else one.action
        lines.append(f"  {one.target}: {state}: {one.reason}")
    blocked = [rule for rule in routing.rules if not rule.allow]
    lines.append(f"  routing: {len(routing.rules)} rules, {len(blocked)} keep a model away")
    return "\n".join(lines)
