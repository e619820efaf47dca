"""insight_metrics.md: what the runs show, in tables, and the findings in a block that is parsed."""

from collections.abc import Sequence

from prompt_lab.analyze import tables, tables_texts
from prompt_lab.analyze.failure_modes import FailureMode, modes_told
from prompt_lab.analyze.findings import AnalystFinding, parse_findings, render_findings
from prompt_lab.analyze.markdown import label, page, plain_line, section
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.statements import statements
from prompt_lab.names import count

__all__ = ["parse_findings", "render_insight"]
KINDS = 6


def render_insight(
    metrics: Metrics, *, iteration: int, step: str, known: Sequence[FailureMode] = ()
) -> str:
    """The page of the `metrics` analyst. Read its findings back with `parse_findings`.

    `known` are the step's failure modes before this iteration, for the readers of the page.
    """
    found = statements(metrics)
    return page(
        f"# Insight (metrics): {plain_line(step)}, iteration {iteration}",
        label(metrics.recorded),
        _reading(metrics),
        section("What stands out", _top_findings(found)),
        section("Known before this iteration", modes_told(known)),
        section("Before and after", tables.summary(metrics)),
        section("Models", tables.by_model(metrics)),
        section("Plans", tables.grid(metrics)),
        section("Flips", tables.flips(metrics)),
        section("Errors", tables.errors(metrics)),
        section("Fields", tables_texts.fields(metrics), tables_texts.wrong_values(metrics)),
        section("Openers that lock", tables_texts.openers(metrics)),
        section("Phrases that came or went", tables_texts.phrases(metrics)),
        section("Near-duplicates", tables_texts.duplicates(metrics)),
        section("Placeholders and copies of the prompt", tables_texts.render_placeholders(metrics)),
        section("Equal outputs", tables_texts.identical(metrics)),
        section("Lengths", tables_texts.lengths(metrics)),
        section("Findings", render_findings(found)),
    )


def _reading(metrics: Metrics) -> str:
    sides = " and ".join(metrics.sides) or "no side"
    alone = "" if len(metrics.sides) > 1 else " There is nothing to compare with yet."
    return (
        f"Runs of the {sides}: {count(len(metrics.models), 'model')} on "
        f"{count(len(metrics.plans), 'plan')}, "
        f"replicates: {metrics.replicates}.{alone}"
    )


def _top_findings(found: tuple[AnalystFinding, ...]) -> str:
    """The first two of each kind, kinds in the order of their weightiest."""
    kinds: dict[str, list[AnalystFinding]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    return "\n".join(
        f"- {plain_line(one.text, 400)} {plain_line('; '.join(one.evidence[:2]), 400)}"
        for few in list(kinds.values())[:KINDS]
        for one in few[:2]
    )
