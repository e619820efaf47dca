"""The runner's command line: `prompt-lab-run`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline.console import run_command
from pipeline.interrupt import INTERRUPTED
from pipeline.wiring import lab_context
from prompt_lab.config.lab import MOST_SECONDS
from prompt_lab.names import count
from prompt_lab.report.terminal import printable, say
from prompt_lab.runner.make import make_runs, render_result, run_context_of
from prompt_lab.runner.order import Flags, read_order
from prompt_lab.runner.run_folder import begin, hide_from_git, named_place, next_place, site_of


def _checked_seconds(value: float | None) -> float | None:
    """A limit that a clock can keep. No range of click's refuses `nan`."""
    if value is None or 0 < value <= MOST_SECONDS:
        return value
    raise typer.BadParameter(f"{value:g}: give seconds, more than 0 and at most {MOST_SECONDS:,}")


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def run(  # noqa: PLR0913 -- the flags of the original runner
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(help="a model; repeat it for fallback models, in order"),
    ] = None,
    baseline_dir: Annotated[
        Path | None, typer.Option(help="a folder whose sub-folders are the plans")
    ] = None,
    plan_dir: Annotated[
        Path | None, typer.Option(help="one plan; overrides --baseline-dir")
    ] = None,
    prompt_lab_dir: Annotated[
        Path | None, typer.Option(help="a lab; its next history folder is claimed")
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="write to this folder instead; run again, continue there")
    ] = None,
    step: Annotated[str, typer.Option(help="a file of configs/steps; default: lab.yaml's")] = "",
    commit: Annotated[
        str, typer.Option(help="branch, tag or commit of the target; default: its main branch")
    ] = "",
    plan_timeout: Annotated[
        float | None,
        typer.Option(
            help="time limit of one plan in seconds; default: the step's", callback=_checked_seconds
        ),
    ] = None,
    force_model: Annotated[
        bool, typer.Option("--force-model", help="run models that routing keeps from the step")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="plans at the same time; default: the models' smallest 'workers'"),
    ] = None,
) -> None:
    """Run one step of the target on plans, and keep the runs as a history folder does."""
    flags = Flags(
        models=model or (),
        baseline_dir=baseline_dir,
        plan_dir=plan_dir,
        prompt_lab_dir=prompt_lab_dir,
        output_dir=output_dir,
        step=step,
        commit=commit,
        plan_timeout=plan_timeout,
        workers=workers,
        force_model=force_model,
    )
    raise typer.Exit(carry_out(flags))


def carry_out(flags: Flags) -> int:
    """The exit code: 0 where every plan is finished, be it with an error of the model's."""
    order = read_order(flags, lab_context())
    named = named_place(flags)
    hide_from_git(order, named)
    side, site = site_of(flags, order, named.begun if named else None)
    # Claimed last: what is wrong with the target costs the lab no number.
    place = named or next_place(order)
    say(f"Run folder: {place.folder}")
    if order.skipped:
        say(f"Skipped, since an input is missing: {', '.join(order.skipped)}")
    try:
        begin(order, place, side, site)
        made = make_runs(order, place.folder, run_context_of(order, side, site))
    except KeyboardInterrupt:
        _stop(place.folder)
    say(render_result(made, order.ctx.step(order.step).primary))
    if made.faults:
        _say_faults(made.faults, len(order.names) - len(made.records), place.folder)
    dirt = order.ctx.workspace(order.ctx.step(order.step).target).dirt(site.worktree)
    if dirt:
        _say_dirt(dirt)
    return 1 if made.faults or dirt else 0


def main(args: Sequence[str] | None = None) -> None:
    """The console script. A LabError ends in one message, by the interpreter's last word."""
    run_command(app, "prompt-lab-run", args)


def _say_faults(faults: Sequence[str], missing: int, folder: Path) -> None:
    shown = "\n".join(faults[:5])
    text = f"{count(missing, 'plan')} could not be run.\n{shown}\n{_resume_command(folder)}"
    print(f"\nStopped: {printable(text)}\n", file=sys.stderr)


def _say_dirt(paths: Sequence[str]) -> None:
    more = ", …" if len(paths) > 5 else ""
    text = (
        f"The runs have changed the target's worktree: {', '.join(map(repr, paths[:5]))}{more}.\n"
        "A plan may have read what another one left there, so the runs are no evidence."
    )
    print(f"\n{printable(text)}\n", file=sys.stderr)


def _resume_command(folder: Path) -> str:
    return f"The same command with --output-dir {folder} makes the rest."


def _stop(folder: Path) -> NoReturn:
    print(f"\nStopped by Ctrl-C. {_resume_command(folder)}", file=sys.stderr, flush=True)
    # The interpreter would wait for the calls that are under way, which may take minutes.
    os._exit(INTERRUPTED)
