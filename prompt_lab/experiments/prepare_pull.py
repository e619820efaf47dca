"""PreparePull: a pull request as an iteration that is ready to run, before any call is made."""

from prompt_lab.experiments.batches import batch_for
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.runs import order_of
from prompt_lab.names import Split, count
from prompt_lab.records import VERSION, Change, Record
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import PREPARED, made_again, read_change


class Prepared(Record):
    """prepared.json: the pull request that an iteration tests, and the run folders claimed."""

    version: int = VERSION
    iteration: int
    step: str
    pull: int | None
    pull_url: str
    branch: str
    commit: str
    base_commit: str
    history: tuple[str, ...]
    """Folders of the train runs, relative to the lab; () where the step never reads the change."""
    reused: int = 0
    """Runs that were made before, and count again."""


def prepare_pull(experiment: Experiment) -> str:
    """Plan the train runs and claim their folders. Writes prepared.json, returns its summary."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    order = order_of(experiment, Split.TRAIN)
    runs = batch_for(experiment, order).runs if order else ()
    folders = {run.path.partition("/outputs/")[0] for run in runs if not run.reused}
    record = Prepared(
        iteration=experiment.number,
        step=experiment.step,
        pull=change.pull,
        pull_url=change.pull_url,
        branch=change.branch,
        commit=change.commit,
        base_commit=change.base_commit,
        history=tuple(sorted(folders)),
        reused=sum(run.reused for run in runs),
    )
    experiment.write(PREPARED, record.model_dump_json(indent=2) + "\n")
    return _render_report(record, change)


def describe_prepared(experiment: Experiment) -> str:
    """The summary of a pull request that was prepared before."""
    path = experiment.folder / PREPARED
    record = read_record(path, Prepared, fix=made_again(path))
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return _render_report(record, change)


def _render_report(made: Prepared, change: Change) -> str:
    folders = f"{made.history[0]} to {made.history[-1]}" if made.history else "none"
    return (
        f"Iteration {made.iteration}  {made.step}  is prepared\n"
        f"  PR        #{made.pull} {change.title}  {made.pull_url}\n"
        f"  commit    {made.commit[:12]} against {made.base_commit[:12]}, no conflict\n"
        f"  folders   {folders}; {count(made.reused, 'run')} taken over\n"
        f"  next      luigi --module pipeline Iteration --number {made.iteration}"
    )
