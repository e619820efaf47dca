"""`prompt-lab plans`: make plans of examples that lie in a table."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.init import parse_pairs
from pipeline.tasks.base import hold_lab
from pipeline.wiring import lab_context
from prompt_lab.experiments.import_plans import import_plans, render_import
from prompt_lab.report.terminal import say

plans_app = typer.Typer(no_args_is_help=True, help="Plans: the examples that decide.")


@plans_app.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(help="a table: .csv, .tsv, .json or .jsonl")],
    *,
    step: Annotated[str, typer.Option(help="the step; default: that of promptlab.yaml")] = "",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="NAME=COLUMN, where an input's column is called otherwise"),
    ] = None,
    gold: Annotated[
        list[str] | None, typer.Option(help="a column of the right answer; may be repeated")
    ] = None,
    name: Annotated[str, typer.Option(help="the column that names the plans")] = "",
    seed: Annotated[int, typer.Option(help="decides which plans are train")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what it would do")] = False,
) -> None:
    """Add each row of a table as a plan, a quarter of them to train, the rest sealed.

    Rows that are in the lab already stay where they are. Every row that makes no plan is named
    with its reason, and the command then ends with 1.
    """
    context = lab_context()
    if not dry_run:
        hold_lab(context)
    result = import_plans(
        context,
        step or context.defaults.step,
        file,
        inputs=parse_pairs("--input", inputs or ()),
        gold=tuple(gold or ()),
        name=name,
        seed=seed,
        dry_run=dry_run,
    )
    say(render_import(result, dry_run=dry_run))
    raise typer.Exit(1 if result.rejected else 0)
