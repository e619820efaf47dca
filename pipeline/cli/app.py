"""The console script `prompt-lab`. A new command is a line below."""

from collections.abc import Callable, Sequence
from typing import Any

import typer

from pipeline.cli import task as task_command
from pipeline.cli.audit import audit
from pipeline.cli.benchmark import app as benchmark_app
from pipeline.cli.luigi_command import (
    command_words,
    flag,
    make_command,
    task_options,
    with_options,
)
from pipeline.cli.project import init, install_local_model
from pipeline.cli.prompts import prompts_app
from pipeline.cli.records import (
    compare_records,
    iteration_records,
    ledger_records,
    loop_records,
    merge_records,
    replay_records,
)
from pipeline.cli.remote_prompts import add_commands
from pipeline.cli.run import run
from pipeline.cli.serve import keys_app, serve
from pipeline.cli.show_request import show_request
from pipeline.cli.traces import traces_app
from pipeline.console import run_command
from pipeline.tasks.after_merge import CheckMerges
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Compare, Ledger, Replay, SplitPlans
from pipeline.tasks.loop import GiveUp, Loop, PreparePull, Reveal, Revert
from pipeline.tasks.noise_floor import NoiseFloor
from pipeline.tasks.task_engine import Campaign, RunTask
from pipeline.web.scheduler import main as run_scheduler

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def describe() -> None:
    """Improve prompts by paired trials: one change at a time, measured, judged and recorded."""


def scheduler() -> None:
    """Run luigid's page on 127.0.0.1:8082 and the lab's pages on 8083, until Ctrl-C."""
    raise typer.Exit(run_scheduler())


def _run_task_file(**given: Any) -> None:
    kind = ["--campaign"] if given.pop("campaign") else []
    task_command.main([given.pop("task"), *command_words(given), *kind])


def _task_file_command() -> Callable[..., None]:
    """`prompt-lab task`: the options of RunTask, and those that Campaign has besides."""
    options = {one.name: one for one in task_options(Campaign, "task")}
    options |= {one.name: one for one in task_options(RunTask, "task")}
    campaign = flag("campaign", "make attempts until the task's budget or goal is reached")
    text = "One attempt at a task.yaml, reported as one JSON record; or a campaign of them."
    return with_options(_run_task_file, [*options.values(), campaign], text)


for _name, _command in (
    ("init", init),
    ("split", make_command(SplitPlans)),
    ("iterate", make_command(Iteration, iteration_records)),
    ("loop", make_command(Loop, loop_records)),
    ("task", _task_file_command()),
    ("run", run),
    ("ledger", make_command(Ledger, ledger_records)),
    ("replay", make_command(Replay, replay_records)),
    ("compare", make_command(Compare, compare_records)),
    ("noise-floor", make_command(NoiseFloor)),
    ("reveal", make_command(Reveal)),
    ("check-merges", make_command(CheckMerges, merge_records)),
    ("revert", make_command(Revert)),
    ("give-up", make_command(GiveUp)),
    ("prepare-pull", make_command(PreparePull)),
    ("show-request", show_request),
    ("audit", audit),
    ("scheduler", scheduler),
    ("serve", serve),
    ("install-local-model", install_local_model),
):
    app.command(_name)(_command)
app.add_typer(benchmark_app, name="benchmark")
add_commands(prompts_app)
app.add_typer(prompts_app, name="prompts")
app.add_typer(keys_app, name="keys")
app.add_typer(traces_app, name="traces")


def main(args: Sequence[str] | None = None) -> None:
    """Run one command. A LabError ends it with one message and exit code 1 (sys.excepthook)."""
    run_command(app, "prompt-lab", args)
