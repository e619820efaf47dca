"""`prompt-lab benchmark …`: run suites, give feedback, route, test warm-ups, import, configure."""

import getpass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from pipeline.cli.luigi_command import make_command
from pipeline.tasks.benchmark import Benchmark, MetaLoop, WarmUpTest
from pipeline.wiring import lab_context
from prompt_lab.benchmark.config_pulls import (
    adopt_pulls,
    describe_pull,
    list_pulls,
    publish_rollback,
)
from prompt_lab.benchmark.harness_config import (
    list_versions,
    parse_assignment,
    read_harness_config,
    roll_back,
    save_version,
)
from prompt_lab.benchmark.harness_lock import hold_harness
from prompt_lab.benchmark.import_results import import_folder
from prompt_lab.benchmark.render_import import render_import
from prompt_lab.benchmark.routing_cycle import (
    render_feedback,
    render_routing_comparisons,
    update_feedback,
    update_routing,
)
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.clock import utc_now
from prompt_lab.report.terminal import say

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Benchmarks of models.")
config = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The harness's config.")
app.add_typer(config, name="config")
app.command("run")(make_command(Benchmark))
app.command("meta-loop")(make_command(MetaLoop))
app.command("warm-up")(make_command(WarmUpTest))


@app.command("feedback")
def give_feedback() -> None:
    """Write harness_feedback.json from the recent benchmarks; the routing table stays."""
    context = lab_context()
    say(render_feedback(update_feedback(context), read_routing(context.lab)))


@app.command("enforce")
def enforce() -> None:
    """Write harness_feedback.json and routing_config.json."""
    context = lab_context()
    with hold_harness(context.lab, "benchmark enforce", now=utc_now()):
        feedback = update_feedback(context)
        say(render_feedback(feedback, update_routing(context, feedback)))
        if comparisons := render_routing_comparisons(context):
            say(comparisons)


@app.command("import")
def import_tables(
    folder: Annotated[Path, typer.Argument(help="folder of CSV tables: prompt, then models")],
    prices: Annotated[
        str, typer.Option(help="dollars of one item for each model, in the tables' order: 0.1,10")
    ] = "",
    splits: Annotated[int, typer.Option(help="random halves to learn and test on")] = 50,
    seed: Annotated[int, typer.Option(help="of the halves")] = 1,
) -> None:
    """Read results of models per item; print accuracies, and what routing by subject gains."""
    subjects = import_folder(folder)
    say(render_import(subjects, prices, splits=splits, rng=np.random.default_rng(seed)))


@config.command("show")
def show_config() -> None:
    """Print the config that counts, and its versions."""
    context = lab_context()
    say(read_harness_config(context).model_dump_json(indent=2))
    for one in list_versions(context.lab):
        say(f"version {one.number}  {one.created}  {one.actor}: {one.reason}")


@config.command("set")
def set_config(
    assignment: Annotated[str, typer.Argument(help="key=value: warm_up.enabled=true")],
    reason: Annotated[str, typer.Option(help="why")] = "set by a person",
) -> None:
    """Write the next version of the config with this change."""
    context = lab_context()
    with hold_harness(context.lab, "benchmark config set", now=utc_now()):
        changes = parse_assignment(assignment)
        made = save_version(context, changes, actor=getpass.getuser(), reason=reason, now=utc_now())
    say(f"version {made.number} of the benchmark config")


@config.command("rollback")
def roll_back_config(
    to: Annotated[int, typer.Option(help="version; default: the one before the newest")] = -1,
) -> None:
    """Return to an older version of the config; 0 is the config without any."""
    context = lab_context()
    with hold_harness(context.lab, "benchmark config rollback", now=utc_now()):
        made = roll_back(context, to, actor=getpass.getuser(), now=utc_now())
        say(f"version {made.number} of the benchmark config: {made.reason}")
        pull = publish_rollback(context, made)
    if pull is not None:
        say("\n".join(describe_pull(pull)))


@config.command("adopt")
def adopt_config() -> None:
    """Adopt pull requests on the configuration that were merged since, as the next cycle would."""
    context = lab_context()
    with hold_harness(context.lab, "benchmark config adopt", now=utc_now()):
        adopt_pulls(context)
    pulls = list_pulls(context.lab)
    for pull in pulls:
        say("\n".join(describe_pull(pull)))
    if not pulls:
        say("No cycle has opened a pull request on the configuration.")
