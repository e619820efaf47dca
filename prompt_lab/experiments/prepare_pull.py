"""PreparePull: a pull request as an iteration that is ready to run, before any call is made."""

from collections.abc import Sequence
from typing import Any

import luigi

from pipeline.console import say
from pipeline.tasks.base import Phase
from pipeline.tasks.printing import prints_when_complete
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.batches import batch_for
from prompt_lab.experiments.flags import change_given
from prompt_lab.experiments.implement import Implement
from prompt_lab.experiments.runs import order_of
from prompt_lab.names import Split, count
from prompt_lab.records import VERSION, Change, Record
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import made_again, read_change


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


class PreparePull(Phase):
    """Verify --pr, claim iteration and run folders, fill meta.json. Writes prepared.json."""

    FILE = "prepared.json"

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """As for any phase. Raises ConfigError where the command line names no pull request."""
        values = super().get_param_values(params, args, kwargs)
        if not change_given(dict(values)):
            raise ConfigError(["PreparePull: name the pull request with --pr"])
        return values

    def requires(self) -> luigi.Task:
        """The checks of the pull request, and its commit."""
        return self.clone_as(Implement)

    def work(self) -> None:
        """Plan the train runs, which claims their folders, and say what would run."""
        change = read_change(self.context.lab, self.number, self.step)
        order = order_of(self, Split.TRAIN)
        runs = batch_for(self, order).runs if order else ()
        folders = {run.path.partition("/outputs/")[0] for run in runs if not run.reused}
        made = Prepared(
            iteration=self.number,
            step=self.step,
            pull=change.pull,
            pull_url=change.pull_url,
            branch=change.branch,
            commit=change.commit,
            base_commit=change.base_commit,
            history=tuple(sorted(folders)),
            reused=sum(run.reused for run in runs),
        )
        self.write(made.model_dump_json(indent=2) + "\n")
        say(_render_report(made, change))


@prints_when_complete(PreparePull)
def _read_prepared(task: PreparePull) -> str:
    path = task.folder / task.FILE
    made = read_record(path, Prepared, fix=made_again(path))
    return _render_report(made, read_change(task.context.lab, task.number, task.step))


def _render_report(made: Prepared, change: Change) -> str:
    folders = f"{made.history[0]} to {made.history[-1]}" if made.history else "none"
    return (
        f"Iteration {made.iteration}  {made.step}  is prepared\n"
        f"  PR        #{made.pull} {change.title}  {made.pull_url}\n"
        f"  commit    {made.commit[:12]} against {made.base_commit[:12]}, no conflict\n"
        f"  folders   {folders}; {count(made.reused, 'run')} taken over\n"
        f"  next      luigi --module pipeline Iteration --number {made.iteration}"
    )
