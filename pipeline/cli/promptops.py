"""`prompt-lab promptops`: the PromptOps service."""

import typer

from pipeline.cli.promptops_reports import add_report_commands
from pipeline.cli.promptops_variants import add_variant_commands
from pipeline.cli.promptops_worker import add_worker_commands
from pipeline.cli.release_gate import add_gate_commands

app = typer.Typer(no_args_is_help=True, help="The PromptOps service.")
add_report_commands(app)
add_gate_commands(app)
add_worker_commands(app)
add_variant_commands(app)
