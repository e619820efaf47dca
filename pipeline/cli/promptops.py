"""`prompt-lab promptops`: the PromptOps service."""

import typer

from pipeline.cli.promptops_reports import add_report_commands

app = typer.Typer(no_args_is_help=True, help="The PromptOps service.")
add_report_commands(app)
