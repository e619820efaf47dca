"""SELF_OPTIMIZING_REPORT.md, its page, and META_LEARNINGS.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.benchmark.cold_starts import WarmUpValidation
from prompt_lab.benchmark.cycle_records import CycleResults, MetaLoopHistory
from prompt_lab.benchmark.enforce_routing import read_decisions
from prompt_lab.benchmark.folders import (
    ROUTING,
    WARM_UP,
    benchmarks_folder,
    read_all_results,
    routing_folder,
)
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule
from prompt_lab.names import Outcome, count
from prompt_lab.report.axis import Effect, bars
from prompt_lab.report.chart import charts
from prompt_lab.report.html import render
from prompt_lab.report.view import LedgerEntry
from prompt_lab.report.words import money, points
from prompt_lab.store.counters import numbered
from prompt_lab.store.files import read_if_whole, write_text
from prompt_lab.store.layout import Lab

REPORT = "SELF_OPTIMIZING_REPORT.md"
PAGE = "report.html"
LEARNINGS = "META_LEARNINGS.md"
LAST = 20
"""Routing decisions that the page shows."""


class HarnessView(NamedTuple):
    """All that the report shows; the oldest of each first."""

    cycles: Sequence[CycleResults] = ()
    results: Sequence[BenchmarkResults] = ()
    rules: Sequence[RoutingRule] = ()
    decisions: Sequence[dict[str, Any]] = ()
    warm_ups: Sequence[WarmUpValidation] = ()


def write_reports(lab: Lab, folder: Path, history: MetaLoopHistory) -> None:
    """Write report, page and learnings again from what is there."""
    root = benchmarks_folder(lab)
    routing = read_if_whole(routing_folder(lab) / ROUTING, RoutingConfig) or RoutingConfig()
    tests = (
        read_if_whole(root / f"{number}_{name}" / WARM_UP, WarmUpValidation)
        for number, name in numbered(root)
    )
    view = HarnessView(
        cycles=[one for one in history.cycles if isinstance(one, CycleResults)],
        results=read_all_results(lab),
        rules=routing.rules,
        decisions=read_decisions(lab),
        warm_ups=[one for one in tests if one is not None],
    )
    write_text(folder / REPORT, render_report(view))
    write_text(folder / LEARNINGS, render_learnings(view))
    write_text(folder / PAGE, render_page(view))


def render_report(view: HarnessView) -> str:
    """The report as Markdown."""
    lines = ["# Self-optimizing report", ""]
    lines += ["| cycle | baseline | accuracy | winner | verdict | points | p | level | changed |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for one in view.cycles:
        p_value = "–" if one.p_value is None else f"{one.p_value:.3g}"
        lines.append(
            f"| {one.cycle} | {one.ran or one.baseline.model} on {one.baseline.suite}"
            f" | {_accuracy(one)} | {one.winner or '–'} | {one.outcome or '–'}"
            f" | {points(one.effect)} | {p_value} | {one.alpha:.3g} | {_changed(one)} |"
        )
    lines += ["", "## What was selected", ""]
    for one in view.cycles:
        tried = ", ".join(
            f"{s.name} {s.passed} of {s.total}" if s.total else s.name for s in one.selection
        )
        lines.append(f"- cycle {one.cycle}: {tried or 'no candidate'}. {one.reason}")
        lines += [f"  - left out: {text}" for text in one.skipped]
    lines += ["", "## Routing", ""]
    for rule in view.rules:
        state = "allowed" if rule.allow else f"kept away, fallback {rule.fallback_model or 'none'}"
        lines.append(f"- {rule.target}: {state}. {rule.reason}")
    lines += ["", "## Warm-up", ""]
    lines += [
        f"- {one.model} on {one.suite}: {one.outcome.value}. {one.before:.1%} -> {one.after:.1%}"
        f" over {count(one.starts, 'cold start')}. {one.reason}"
        for one in view.warm_ups
    ]
    lines += ["", f"{count(len(view.results), 'benchmark')} in all.", ""]
    return "\n".join(lines)


def render_learnings(view: HarnessView) -> str:
    """One line for each tested claim, with its verdict; it grows with every test."""
    lines = [
        "# Meta learnings",
        "",
        "Claims that were tested, each with the verdict of the engine.",
        "",
    ]
    for test in view.warm_ups:
        lines.append(
            f"- **{test.outcome.value}**: a warm-up helps {test.model} on {test.suite}."
            f" {points(test.improvement)} points over {count(test.starts, 'cold start')}."
            f" {test.reason}"
        )
    for one in view.cycles:
        if one.outcome:
            lines.append(
                f"- **{one.outcome}**: {one.winner} is better than {one.ran} on"
                f" {one.baseline.suite} (cycle {one.cycle}). {points(one.effect)} points."
                f" {one.reason}"
            )
    return "\n".join([*lines, ""])


def render_page(view: HarnessView) -> str:
    """The page: accuracies, patterns, cycles and effects as pictures; routing and its audit."""
    tested = [one for one in view.cycles if one.outcome]
    effects = [Effect(f"cycle {c.cycle}", c.effect, c.low, c.high) for c in tested]
    scale, drawn = bars(effects)
    return render(
        "benchmark.html.j2",
        title="Benchmarks",
        facts=_facts(view),
        bars=_bars(view.results),
        charts=charts([_entry(one) for one in view.cycles]),
        scale=scale,
        effects={one.cycle: bar for one, bar in zip(tested, drawn, strict=True)},
        cycles=[one.model_dump(mode="json") for one in view.cycles],
        rules=[rule.model_dump(mode="json") | {"target": rule.target} for rule in view.rules],
        decisions=[_decision(row) for row in view.decisions[-LAST:]],
        decision_count=len(view.decisions),
        warm_ups=[one.model_dump(mode="json") for one in view.warm_ups],
    )


def _facts(view: HarnessView) -> list[dict[str, str]]:
    rows = [row for one in view.results for row in one.models]
    away = [rule for rule in view.rules if not rule.allow]
    changes = [one for one in view.cycles if one.changed]
    invalid = [row for row in rows if row.validity == "INVALID"]
    return [
        {
            "name": "benchmarks",
            "value": str(len(view.results)),
            "note": f"{count(len(invalid), 'row')} INVALID" if invalid else "",
        },
        {
            "name": "calls",
            "value": f"{sum(row.calls for row in rows):,}",
            "note": money(sum(row.cost_usd for row in rows)),
        },
        {
            "name": "cycles",
            "value": str(len(view.cycles)),
            "note": f"{len(changes)} changed the baseline",
        },
        {
            "name": "kept away",
            "value": str(len(away)),
            "note": f"of {count(len(view.rules), 'rule')}",
        },
        {"name": "warm-up tests", "value": str(len(view.warm_ups)), "note": ""},
    ]


def _bars(results: Sequence[BenchmarkResults]) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "suite": one.suite,
            "purpose": one.purpose,
            "model": row.model,
            "asked": row.asked_model,
            "forced": one.forced,
            "accuracy": row.accuracy,
            "low": row.low or 0.0,
            "high": 1.0 if row.high is None else row.high,
            "validity": row.validity,
            "reasons": row.reasons,
            "words": f"{row.passed} of {row.total}",
            "patterns": [repeat.pattern for repeat in row.repeats],
        }
        for one in results
        for row in one.models
        if row.accuracy is not None
    ]


def _entry(one: CycleResults) -> LedgerEntry:
    """A cycle as the chart of iterations draws one."""
    known = one.outcome in {outcome.value for outcome in Outcome}
    accuracy = one.tested_baseline if one.outcome else one.baseline_accuracy
    return LedgerEntry(
        iteration=one.cycle,
        step=f"{one.baseline.model} on {one.baseline.suite}",
        title=one.winner,
        outcome=Outcome(one.outcome) if known else None,
        effect=one.effect,
        low=one.low,
        high=one.high,
        baseline=accuracy,
        candidate=one.tested_winner,
        merged=one.changed,
    )


def _decision(row: dict[str, Any]) -> dict[str, str]:
    names = ("timestamp", "original_model", "fallback_model", "phase", "decision", "reason")
    return {name: str(row.get(name) or "") for name in names}


def _accuracy(one: CycleResults) -> str:
    if one.baseline_accuracy is None:
        return "–"
    if one.baseline_low is None or one.baseline_high is None:
        return f"{one.baseline_accuracy:.1%}"
    return f"{one.baseline_accuracy:.1%} ({one.baseline_low:.1%} to {one.baseline_high:.1%})"


def _changed(one: CycleResults) -> str:
    if one.changed:
        return f"yes, version {one.config_version}"
    return f"waits: {one.pull}" if one.pull_state == "open" else "no"
