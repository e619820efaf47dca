"""`prompt-lab try`: test a prompt of a file against the current one."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.luigi_command import command_words, run_task
from pipeline.tasks.base import hold_lab
from pipeline.tasks.iteration import Iteration
from pipeline.wiring import lab_context
from prompt_lab.experiments.try_prompt import make_candidate_branch


def try_prompt(
    file: Annotated[Path, typer.Argument(help="the changed prompt, as a text file")],
    *,
    step: Annotated[str, typer.Option(help="the step; default: that of promptlab.yaml")] = "",
    models: Annotated[str, typer.Option(help="as for iterate")] = "",
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="stop before more calls; the same command goes on")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="the same for US dollars, by the models' prices")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print what it would cost")] = False,
) -> None:
    """Make a branch with this prompt in the place of the step's, and run its iteration.

    The same file again goes on with the same branch.
    """
    context = lab_context()
    hold_lab(context)
    branch = make_candidate_branch(context, step or context.defaults.step, file)
    given = {"step": step or None, "models": models or None}
    limits = {"max_calls": max_calls, "max_cost": max_cost}
    words = command_words({"branch": branch, **given, **limits, "dry_run": dry_run})
    raise typer.Exit(run_task(Iteration, words))
