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
    policy: Annotated[str, typer.Option(help="as for iterate")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print what it would cost")] = False,
) -> None:
    """Make a branch with this prompt in the place of the step's, and run its iteration.

    The same file again goes on with the same branch.
    """
    context = lab_context()
    hold_lab(context)
    branch = make_candidate_branch(context, step or context.defaults.step, file)
    given = {"step": step or None, "models": models or None, "policy": policy or None}
    words = command_words({"branch": branch, **given, "dry_run": dry_run})
    raise typer.Exit(run_task(Iteration, words))
