"""The console script `prompt-lab`. A new command is a module here and a line below."""

from collections.abc import Sequence

import typer

from pipeline.cli.show_request import show_request
from pipeline.console import run_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def describe() -> None:
    """Look at a lab and its prompts."""


app.command("show-request")(show_request)


def main(args: Sequence[str] | None = None) -> None:
    """Run one command. A LabError ends it with one message and exit code 1 (sys.excepthook)."""
    run_command(app, "prompt-lab", args)
