"""Feedback and enforcement on a lab: read benchmarks, write feedback and the routing table."""

import numpy as np

from prompt_lab.benchmark.enforce_routing import RoutingDecision, log_routing_decision
from prompt_lab.benchmark.feedback import build_feedback
from prompt_lab.benchmark.feedback_records import HarnessFeedback
from prompt_lab.benchmark.folders import (
    FEEDBACK,
    benchmarks_folder,
    read_all_results,
    routing_folder,
)
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.lab_router import LabRouter
from prompt_lab.benchmark.pooled_answers import split_recent
from prompt_lab.benchmark.routing_rules import (
    RoutingConfig,
    generate_routing_rules,
    read_routing,
    write_routing,
)
from prompt_lab.benchmark.table_comparison import (
    COMPARISON,
    TableComparisons,
    compare_table,
    render_table_comparisons,
)
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.store.files import read_if_whole, write_record

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
    """Write routing_config.json by the feedback's recommendations, and its comparison beside it."""
    before = read_routing(ctx.lab)
    routing = generate_routing_rules(feedback.recommendations, now=utc_now(), before=before)
    write_routing(ctx.lab, routing)
    config = read_harness_config(ctx)
    recent, _ = split_recent(read_all_results(ctx.lab), config.gates.recent_runs)
    comparisons = compare_table(
        recent,
        read_routing(ctx.lab, config.routing),
        rng=np.random.default_rng(0),
        fallbacks=config.routing.fallbacks,
    )
    write_record(routing_folder(ctx.lab) / COMPARISON, comparisons)
    return routing


def render_routing_comparisons(ctx: LabContext) -> str:
    """What stands beside the newest routing table; '' where nothing can be compared."""
    found = read_if_whole(routing_folder(ctx.lab) / COMPARISON, TableComparisons)
    return render_table_comparisons(found or TableComparisons())


def route_model(
    ctx: LabContext, model: str, phase: str, step: str, *, force: bool
) -> RoutingDecision:
    """Which model does a phase in place of the one asked for; the decision is logged."""
    decision = LabRouter(ctx).decide(model, phase, step, force=force)
    log_routing_decision(ctx.lab, model, phase, decision, now=utc_now())
    return decision


def render_feedback(feedback: HarnessFeedback, routing: RoutingConfig) -> str:
    """What a person reads after a benchmark."""
    lines = [f"  {one.target}: {one.action}: {one.reason}" for one in feedback.recommendations]
    lines += [f"  {path}: left out: {why}" for path, why in feedback.left_out.items()]
    blocked = [rule for rule in routing.rules if not rule.allow]
    lines.append(f"  routing: {len(routing.rules)} rules, {len(blocked)} keep a model away")
    return "\n".join(lines)
