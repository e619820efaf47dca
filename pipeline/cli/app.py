"""The console script `prompt-lab`. A new command is a line of COMMANDS."""

from collections import UserDict
from collections.abc import Sequence
from importlib import import_module
from textwrap import shorten
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.console import run_command

COMMANDS = {
    "init": ("init:init", "Write a project of your own prompt and examples, or of a sample."),
    "doctor": ("doctor:doctor", "Check Python, git, sandbox, disk, models, prompt and plans."),
    "split": (
        "tasks:split",
        "Divide a data set given whole into baseline/train and baseline/verify.",
    ),
    "try": (
        "try_prompt:try_prompt",
        "Make a branch with this prompt in the place of the step's, and run its iteration.",
    ),
    "iterate": ("tasks:iterate", "The next iteration, or the one that --number names."),
    "loop": ("tasks:loop", "Iteration after iteration."),
    "task": ("tasks:task", "One attempt at a task.yaml, reported as one JSON record."),
    "run": ("run:run", "Run one step of the target on plans, and keep the runs."),
    "batch": (
        "batch:batch",
        "Ask a model every line of FILE; each answer is a row on the disk before it is counted.",
    ),
    "ledger": ("tasks:ledger", "Writes index.html, a page for each analysis of another tool."),
    "replay": (
        "tasks:replay",
        "Prints 'identical', or what differs; with --policy, the past verdicts it would change.",
    ),
    "compare": (
        "tasks:compare",
        "Writes compare/<before>_<after>/ with insight_metrics.md and assessment.md.",
    ),
    "noise-floor": ("tasks:noise_floor", "The baseline against itself."),
    "reveal": (
        "tasks:reveal",
        "Show the figures of an iteration's sealed plans.",
    ),
    "check-merges": ("tasks:check_merges", "Re-test every merge that has fresh plans."),
    "revert": ("tasks:revert", "Take back what an iteration merged."),
    "give-up": ("tasks:give_up", "End an open iteration without a verdict."),
    "prepare-pull": ("tasks:prepare_pull", "Verify --pr, claim iteration and run folders."),
    "show-request": (
        "show_request:show_request",
        "Print the system message, the user message and the model settings of one run.",
    ),
    "audit": (
        "audit:audit",
        "Compare the prompts in raw outputs over the iterations of another tool's lab.",
    ),
    "scheduler": (
        "tasks:scheduler",
        "Run luigid's page on 127.0.0.1:8082 and the lab's pages on 8083, until Ctrl-C.",
    ),
    "serve": ("serve:serve", "Serve prompts and pages until Ctrl-C."),
    "install-local-model": (
        "project:install_local_model",
        "Install the embedded model and its server into this Python environment.",
    ),
    "plans": ("plans:plans_app", "Plans: the examples that decide."),
    "traces": ("traces:traces_app", "Traces of the agent in production."),
    "benchmark": ("benchmark:app", "Benchmarks of models."),
    "prompts": (
        "remote_prompts:prompts_app",
        "The lab's prompt registry: versions, snapshots, promotions.",
    ),
    "release-gate": (
        "release_gate:check_release_gate",
        "Ends with 1 and reason codes where what is served now must not be released.",
    ),
    "promptops": ("promptops:app", "The PromptOps service."),
    "keys": ("serve:keys_app", "Keys of the web app, kept as hashes."),
}
"""Name -> where it is in pipeline/cli, and what `--help` says of it. Imported on first use."""


class _LoadedCommands(UserDict[str, Any]):
    """Commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _load(name)
        return self.data[name]


class LazyCommands(TyperGroup):
    """A group that lists its commands without importing them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _LoadedCommands(dict.fromkeys(COMMANDS))

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """The list in `--help`."""
        listed = COMMANDS.items()
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            rows = [(name, shorten(text, limit, placeholder="...")) for name, (_, text) in listed]
            formatter.write_dl(rows)


def _load(name: str) -> Any:
    """The command as typer makes it."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"pipeline.cli.{module}"), attribute)
    command: Any
    if isinstance(found, typer.Typer):
        command = typer.main.get_group(found)  # of one command too, which get_command would unwrap
    else:
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def describe() -> None:
    """Improve prompts by paired trials: one change at a time, measured, judged and recorded."""


def main(args: Sequence[str] | None = None) -> None:
    """Run one command. A LabError ends it with one message and exit code 1 (sys.excepthook)."""
    run_command(app, "prompt-lab", args)
