"""SELF_OPTIMIZING_REPORT.md, its page, and META_LEARNINGS.md."""

from pathlib import Path

from prompt_lab.benchmark.cycle_records import CycleResults, MetaLoopHistory
from prompt_lab.benchmark.folders import ROUTING, read_all_results, routing_folder
from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.benchmark.routing_rules import RoutingConfig
from prompt_lab.report.html import render
from prompt_lab.store.files import read_if_whole, write_text
from prompt_lab.store.layout import Lab

REPORT = "SELF_OPTIMIZING_REPORT.md"
PAGE = "report.html"
LEARNINGS = "META_LEARNINGS.md"


def write_reports(lab: Lab, folder: Path, history: MetaLoopHistory) -> None:
    """Write report, page and learnings again from what is there."""
    results = read_all_results(lab)
    routing = read_if_whole(routing_folder(lab) / ROUTING, RoutingConfig) or RoutingConfig()
    cycles = [one for one in history.cycles if isinstance(one, CycleResults)]
    write_text(folder / REPORT, render_report(cycles, results, routing))
    write_text(folder / LEARNINGS, render_learnings(cycles))
    write_text(folder / PAGE, render_page(cycles, results, routing))


def render_report(
    cycles: list[CycleResults], results: list[BenchmarkResults], routing: RoutingConfig
) -> str:
    """The report as Markdown."""
    lines = ["# Self-optimizing report", ""]
    lines += ["| cycle | baseline | accuracy | winner | verdict | p | level | changed |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for one in cycles:
        accuracy = "–" if one.baseline_accuracy is None else f"{one.baseline_accuracy:.1%}"
        p_value = "–" if one.p_value is None else f"{one.p_value:.3g}"
        lines.append(
            f"| {one.cycle} | {one.ran or one.baseline.model} on {one.baseline.suite} | {accuracy}"
            f" | {one.winner or '–'} | {one.outcome or '–'} | {p_value} | {one.alpha:.3g}"
            f" | {'yes' if one.changed else 'no'} |"
        )
    lines += ["", "## Routing", ""]
    for rule in routing.rules:
        state = "allowed" if rule.allow else f"kept away, fallback {rule.fallback_model or 'none'}"
        lines.append(f"- {rule.target}: {state}. {rule.reason}")
    lines += ["", f"{len(results)} benchmarks in all.", ""]
    return "\n".join(lines)


def render_learnings(cycles: list[CycleResults]) -> str:
    """One line for each tested candidate, with its verdict."""
    lines = ["# Meta learnings", ""]
    lines += [
        f"- cycle {one.cycle}, {one.winner} against {one.ran} on {one.baseline.suite}:"
        f" {one.outcome}. {one.reason}"
        for one in cycles
        if one.outcome
    ]
    return "\n".join([*lines, ""])


def render_page(
    cycles: list[CycleResults], results: list[BenchmarkResults], routing: RoutingConfig
) -> str:
    """The page: accuracies with their intervals as pictures, routing and cycles as tables."""
    bars = [
        {
            "name": f"{one.number} {row.model} on {one.suite}",
            "accuracy": row.accuracy,
            "low": row.low or 0.0,
            "high": 1.0 if row.high is None else row.high,
            "validity": row.validity,
            "words": f"{row.passed} of {row.total}",
            "patterns": " ".join(f"[{repeat.pattern}]" for repeat in row.repeats),
        }
        for one in results
        for row in one.models
        if row.accuracy is not None
    ]
    return render(
        "benchmark.html.j2",
        title="Benchmarks",
        bars=bars,
        cycles=[one.model_dump(mode="json") for one in cycles],
        rules=[rule.model_dump(mode="json") | {"target": rule.target} for rule in routing.rules],
    )
