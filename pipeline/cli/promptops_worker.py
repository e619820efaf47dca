"""`prompt-lab promptops on | off | canary | journal | rotate`: a person's word to the optimizer."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.tasks.base import hold_lab
from pipeline.wiring import lab_context, optimizer_run
from prompt_lab.clock import utc_now
from prompt_lab.errors import UsageError
from prompt_lab.experiments.promotion import person
from prompt_lab.names import count
from prompt_lab.promptops.canary import CanaryCandidate, start_canary
from prompt_lab.promptops.idle import read_switch, set_switch, why_off
from prompt_lab.promptops.journal import read_journal, render_journal
from prompt_lab.promptops.wear import rotate_set
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_given_text

Reason = Annotated[str, typer.Option(help="why, for the record")]


def add_worker_commands(app: typer.Typer) -> None:
    """Add the commands to the group `prompt-lab promptops`."""
    app.command("on")(switch_on)
    app.command("off")(switch_off)
    app.command("canary")(force_canary)
    app.command("journal")(show_journal)
    app.command("rotate")(rotate)


def switch_on(*, reason: Reason = "") -> None:
    """Let the optimizer work again. Challenge set and gate are asked again for what was open."""
    _switch(enabled=True, reason=reason)


def switch_off(*, reason: Reason = "") -> None:
    """Stop the optimizer within a second. Outcomes are still taken in."""
    _switch(enabled=False, reason=reason)


def _switch(*, enabled: bool, reason: str) -> None:
    context = lab_context()
    if not reason.strip():
        raise UsageError("--reason: say why, for the record")
    set_switch(context.lab, enabled=enabled, actor=person().name, reason=reason, when=utc_now())
    off = why_off(context.defaults.promptops.optimizer, read_switch(context.lab))
    say(f"The optimizer is off: {off}." if off else "The optimizer is on.")


def force_canary(
    prompt_id: Annotated[str, typer.Argument(help="the prompt of the registry")],
    file: Annotated[Path, typer.Argument(help="the candidate's text")],
    *,
    reason: Reason = "",
    seed: Annotated[int, typer.Option(help="of the hash that chooses a unit's arm")] = 0,
) -> None:
    """Put a text on its share of the live traffic without a verdict, as a person's own decision.

    It is never promoted by that, and aborts by itself where it does worse.
    """
    context = lab_context()
    if not reason.strip():
        raise UsageError("--reason: say why, for the record")
    hold_lab(context)
    who = f"{person().name}: {reason}"
    candidate = CanaryCandidate(prompt_id, read_given_text(file), forced_by=who)
    canary = start_canary(
        optimizer_run(context, utc_now()).live_traffic, candidate, seed=seed, now=utc_now()
    )
    say(
        f"{prompt_id!r}: {file} is a canary on {canary.share:.0%} of the units, beside as many of"
        " control. It was forced, and has no verdict: it is not promoted by itself."
    )


def show_journal(
    *, last: Annotated[int, typer.Option("--last", help="events to show", min=1)] = 20
) -> None:
    """What the service decided, newest last."""
    say(render_journal(read_journal(lab_context().lab)[-last:]))


def rotate(
    prompt_id: Annotated[str, typer.Argument(help="the prompt whose challenge set is worn")],
) -> None:
    """Let fresh sealed plans take the place of used ones, which become train plans.

    A fifth of the used ones stays, and links both rounds.
    """
    context = lab_context()
    hold_lab(context)
    rotation = rotate_set(context.lab, prompt_id, when=utc_now())
    retired, links = count(len(rotation.retired), "plan"), len(rotation.linking)
    say(f"{prompt_id!r}: {retired} retired, {links} kept as links.")
