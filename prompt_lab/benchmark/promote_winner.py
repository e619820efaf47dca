"""Make a cycle's winner the baseline: a version of the config, by a pull request if so set."""

from typing import Any

from prompt_lab.benchmark.candidates import apply_tuning, describe_tuning
from prompt_lab.benchmark.config_pulls import adopt_pull, new_pull, open_config_pull
from prompt_lab.benchmark.cycle_records import CycleBaseline, CycleResults
from prompt_lab.benchmark.cycle_test import COLD_STARTS
from prompt_lab.benchmark.harness_config import (
    newest_version,
    overlay,
    read_harness_config,
    save_version,
)
from prompt_lab.benchmark.open_benchmark import read_suite
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome
from prompt_lab.report.comment import escape
from prompt_lab.report.words import MARKS, points


def tuned_alias(ctx: LabContext, baseline: CycleBaseline) -> str:
    """The alias that the best configuration so far runs under. Raises ConfigError."""
    config = read_harness_config(ctx)
    tuning = config.tuning.get(f"{baseline.model}::{baseline.phase}")
    if not config.tuning_enabled or tuning is None:
        return baseline.model
    model = apply_tuning(ctx.models, tuning)
    ctx.models[model.alias] = model
    return model.alias


def promote_winner(ctx: LabContext, found: CycleResults) -> CycleResults:
    """Adopt the winner of a YES, or leave its pull request to a person. The cycle with both.

    May be repeated after a crash: the pull request and the version are made once.
    """
    name = f"cycle_{found.cycle}"
    changes = _changes(ctx, found)
    pull = None
    if read_harness_config(ctx).pull_requests.enabled:
        newest = newest_version(ctx.lab)
        pull = new_pull(
            ctx,
            name,
            overlay(newest.values if newest else {}, changes),
            target=ctx.step(read_suite(ctx, found.baseline.suite).step).target,
            title=f"Run {found.baseline.model} as {found.winner} on {found.baseline.phase}",
            key=f"{found.baseline.model}::{found.baseline.phase}",
        )
    if pull is None:
        reason = f"cycle {found.cycle}: {found.reason}"
        version = save_version(
            ctx, changes, actor="meta loop", reason=reason, now=utc_now(), source=name
        )
        return found.model_copy(update={"changed": True, "config_version": version.number})
    verdict = Outcome(found.outcome), found.reason
    pull = open_config_pull(ctx, pull, body=render_body(found), verdict=verdict)
    update: dict[str, Any] = {"pull": pull.url, "pull_state": pull.state.value}
    adopted = adopt_pull(ctx, pull)
    if adopted is not None:
        update |= {"changed": True, "config_version": adopted.number}
    elif pull.note:
        update["reason"] = f"{found.reason} The pull request waits: {pull.note}"
    return found.model_copy(update=update)


def _changes(ctx: LabContext, found: CycleResults) -> dict[str, Any]:
    verdict = f"benchmarks/cycles/CYCLE_{found.cycle}_RESULTS.json"
    winner = ctx.models[found.winner]
    if found.test == COLD_STARTS:
        models = read_harness_config(ctx).warm_up.models
        return {"warm_up": {"models": [*dict.fromkeys((*models, found.ran))]}}
    tuning = describe_tuning(ctx.models[found.ran], winner, verdict)
    key = f"{found.baseline.model}::{found.baseline.phase}"
    return {"tuning": {key: tuning.model_dump(mode="json", exclude_none=True)}}


def render_body(found: CycleResults) -> str:
    """The pull request's text and its comment, in Markdown: the verdict with its figures."""
    lines = [
        f"## {MARKS[Outcome(found.outcome)]} {found.outcome}: {escape(found.winner)} in place of"
        f" {escape(found.ran)}",
        "",
        escape(found.reason),
        "",
    ]
    if found.effect is not None:
        ends = (
            ""
            if found.low is None or found.high is None
            else (f", interval {points(found.low)} to {points(found.high)}")
        )
        lines.append(
            f"**{points(found.effect)} points**{ends}; p = {found.p_value or 0:.3g} at level"
            f" {found.alpha:.3g}, by {found.test}."
        )
    lines += [
        "",
        f"Baseline: {escape(found.baseline.model)} on suite {escape(found.baseline.suite)}, phase"
        f" {escape(found.baseline.phase)}. Cycle {found.cycle}; its figures are in the lab under"
        f" benchmarks/cycles/CYCLE\\_{found.cycle}\\_RESULTS.json.",
        "",
        "To undo it after the merge: `prompt-lab benchmark config rollback`.",
        "",
    ]
    return "\n".join(lines)
