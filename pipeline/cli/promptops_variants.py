"""`prompt-lab promptops selector | pause | resume | library`: variants that are served."""

from typing import Annotated

import typer

from pipeline.tasks.base import hold_lab
from pipeline.wiring import lab_context, outcomes
from prompt_lab.clock import utc_now
from prompt_lab.errors import UsageError
from prompt_lab.experiments.promotion import person
from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.library.templates import list_templates
from prompt_lab.promptops.selection.candidates import (
    PausedVariant,
    pause_variant,
    read_paused,
    resume_variant,
)
from prompt_lab.promptops.selection.pareto import ParetoRow, tabulate_variants
from prompt_lab.report.terminal import say
from prompt_lab.store.prompt_verdicts import open_registry

Reason = Annotated[str, typer.Option(help="why, for the record")]
PromptId = Annotated[str, typer.Argument(help="the prompt of the registry")]
Variant = Annotated[str, typer.Argument(help="sha256 of its text, or how it begins")]


def add_variant_commands(app: typer.Typer) -> None:
    """Add the commands to the group `prompt-lab promptops`."""
    app.command("selector")(show_selector)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("library")(show_library)


def show_selector() -> None:
    """Variants by model with success, cost and latency, the front marked *; pauses; switches."""
    context = lab_context()
    for row in tabulate_variants(outcomes(context).since("")):
        say(_render(row))
    for prompt_id, texts in read_paused(context.lab).prompts.items():
        for one in texts:
            say(f"{prompt_id!r}: {one.variant[:12]} is paused by {one.actor!r}: {one.reason}")
    entries = AbilitySwitches.load(context.lab).find_entries("selector")
    classes = sorted(one.task_class for one in entries)
    say(f"The selector is on for: {', '.join(classes) or 'no task class'}.")


def pause(prompt_id: PromptId, variant: Variant, *, reason: Reason = "") -> None:
    """Take a text out of service at once, in every process, until it is resumed.

    Where it is the current text and no other may be served, callers get their own prompt.
    """
    context = lab_context()
    hold_lab(context)
    registry = open_registry(context.lab)
    one = _describe(_find(registry.files.list_versions(), variant), reason)
    pause_variant(context.lab, registry, prompt_id, one)
    say(f"{prompt_id!r}: {one.variant[:12]} is paused.")


def resume(prompt_id: PromptId, variant: Variant, *, reason: Reason = "") -> None:
    """Let a paused text be served again."""
    context = lab_context()
    hold_lab(context)
    known = read_paused(context.lab).list_variants(prompt_id)
    one = _describe(_find(sorted(known), variant), reason)
    resume_variant(context.lab, prompt_id, one)
    say(f"{prompt_id!r}: {one.variant[:12]} may be served again.")


def show_library() -> None:
    """The templates that were mined: what the gate said, and where each comes from."""
    found = list_templates(lab_context().lab)
    for one in found:
        codes = f" [{', '.join(one.codes)}]" if one.codes else ""
        say(
            f"{one.prompt_id}  {one.lineage.variant[:12]}  {one.state}{codes}  trial"
            f" {one.lineage.verdict_id}, promotion {one.lineage.promotion}"
            f"{'  ' + one.reason if one.reason else ''}"
        )
    if not found:
        say("No text has won a trial and become current yet.")


def _describe(variant: str, reason: str) -> PausedVariant:
    if not reason.strip():
        raise UsageError("--reason: say why, for the record")
    return PausedVariant(variant=variant, actor=person().name, reason=reason, when=utc_now())


def _find(known: list[str], begin: str) -> str:
    found = [one for one in known if one.startswith(begin)]
    if len(found) != 1 or len(begin) < 6:
        raise UsageError(
            f"{begin!r} is the beginning of {len(found)} versions: give the sha256 of one, or its"
            " first six digits or more (`prompt-lab promptops selector`)"
        )
    return found[0]


def _render(row: ParetoRow) -> str:
    cost = "unknown cost" if row.cost_usd is None else f"{row.cost_usd:.5f} USD"
    latency = "unknown latency" if row.latency_ms is None else f"{row.latency_ms:.0f} ms"
    mark = "*" if row.is_best else " "
    return (
        f"{mark} {row.prompt_id}  {row.model or 'any model'}  {row.variant[:12]}  "
        f"{row.success:.1%} of {row.calls} ({row.low:.1%} to {row.high:.1%})  {cost}  {latency}"
    )
