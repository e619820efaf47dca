"""The phases of an iteration: one candidate, taken from idea to verdict."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import Phase
from pipeline.tasks.batching import current
from pipeline.tasks.parameters import (
    NOT_GIVEN,
    AmountParameter,
    CountParameter,
    SplitParameter,
    WholeParameter,
)
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from pipeline.tasks.runs import run_tasks
from pipeline.tasks.turns import uses_luigid
from prompt_lab.errors import LabError
from prompt_lab.experiments.flags import METRICS
from prompt_lab.experiments.needs import JudgementsNeeded, RunsNeeded, ScoutNeeded
from prompt_lab.lazy import call_on_use
from prompt_lab.names import Split
from prompt_lab.report.terminal import say
from prompt_lab.store.iterations import SUMMARY

if TYPE_CHECKING:
    from prompt_lab.experiments.agent_work import analysts_of
    from prompt_lab.experiments.analysis import (
        write_assessment,
        write_code_review,
        write_insight,
        write_synthesis,
    )
    from prompt_lab.experiments.call_budget import CallBudget, check_prices
    from prompt_lab.experiments.conclude import conclude, write_report
    from prompt_lab.experiments.decision import write_verdict
    from prompt_lab.experiments.dry_run import describe_dry_run
    from prompt_lab.experiments.experiment import Experiment
    from prompt_lab.experiments.finish import finish_iteration, saved_summary
    from prompt_lab.experiments.gather import summary_file
    from prompt_lab.experiments.implement import implement
    from prompt_lab.experiments.llm_judge import is_judged, judge_look, judgements_file
    from prompt_lab.experiments.looks import runs_under_way
    from prompt_lab.experiments.needs import Need
    from prompt_lab.experiments.prepare import is_prepared, prepare
    from prompt_lab.experiments.runs import complete_split
    from prompt_lab.experiments.scout import scout
    from prompt_lab.experiments.since_start import compare_since_start, since_start_due

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.agent_work": "analysts_of",
        "prompt_lab.experiments.analysis": (
            "write_assessment write_code_review write_insight write_synthesis"
        ),
        "prompt_lab.experiments.call_budget": "CallBudget check_prices",
        "prompt_lab.experiments.conclude": "conclude write_report",
        "prompt_lab.experiments.decision": "write_verdict",
        "prompt_lab.experiments.dry_run": "describe_dry_run",
        "prompt_lab.experiments.finish": "finish_iteration saved_summary",
        "prompt_lab.experiments.gather": "summary_file",
        "prompt_lab.experiments.implement": "implement",
        "prompt_lab.experiments.llm_judge": "is_judged judge_look judgements_file",
        "prompt_lab.experiments.looks": "runs_under_way",
        "prompt_lab.experiments.prepare": "is_prepared prepare",
        "prompt_lab.experiments.runs": "complete_split",
        "prompt_lab.experiments.scout": "scout",
        "prompt_lab.experiments.since_start": "compare_since_start since_start_due",
    },
)


def tasks_for(phase: Phase, need: Need) -> luigi.Task | list[luigi.Task]:
    """The tasks that supply what a use case needs."""
    if isinstance(need, RunsNeeded):
        return run_tasks(phase.context, phase.number, phase.step, need)
    if isinstance(need, JudgementsNeeded):
        return phase.clone_as(Judgements, **vars(need))
    if isinstance(need, ScoutNeeded):
        return phase.clone_as(Scout)
    return phase.clone_as(Runs, split=need.split)


def supply(phase: Phase, needs: Iterable[Need]) -> Iterator[Any]:
    """Yield to Luigi the tasks for each need of a use case, one after the other."""
    for need in needs:
        yield tasks_for(phase, need)


class Prepare(Phase):
    """Check everything that can be checked without a call. Writes meta.json."""

    FILE = "meta.json"

    def complete(self) -> bool:
        """Prepared, and the file is not damaged."""
        return is_prepared(self.experiment)

    def work(self) -> None:
        """Prepare the iteration."""
        prepare(self.experiment)


class Scout(Phase):
    """The baseline on a few train plans, where there is no synthesis yet. Writes scout.json."""

    FILE = "scout.json"

    def requires(self) -> luigi.Task:
        """The names of models and plans."""
        return self.clone_as(Prepare)

    def work(self) -> Iterator[Any]:
        """Run the baseline on a few plans."""
        return supply(self, scout(self.experiment))


class Implement(Phase):
    """One change on a branch, with a commit and a pull request. Writes change.json."""

    FILE = "change.json"

    def requires(self) -> luigi.Task:
        """What the iteration will do."""
        return self.clone_as(Prepare)

    def work(self) -> Iterator[Any]:
        """Find or write the change."""
        return supply(self, implement(self.experiment))


class Runs(Phase):
    """All runs of both sides over one split. Writes runs_<split>.json."""

    split = SplitParameter(default=Split.TRAIN, description="train or verify")

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each split."""
        return summary_file(self.split)

    def requires(self) -> list[luigi.Task]:
        """The change that is to be run; with a luigid also the runs that are under way.

        So a process that comes later has them without running this phase, which another one may
        be at.
        """
        return [self.clone_as(Implement), *self._under_way]

    @cached_property
    def _under_way(self) -> list[luigi.Task]:
        """As it was when the command began: luigi looks at it again before this phase runs."""
        if not uses_luigid() or self.skip_runner:
            return []
        try:
            need = runs_under_way(self.experiment, self.split)
        except LabError:  # run() raises it
            return []
        return run_tasks(self.context, self.number, self.step, need) if need else []

    def work(self) -> Iterator[Any]:
        """Make the runs of the split, look by look."""
        return supply(self, complete_split(self.experiment, self.split))


class Judgements(Phase):
    """The pairs of a batch up to one look, settled. Writes judged_<batch>_<look>.json."""

    batch = luigi.Parameter(default=Split.TRAIN.value, description="train, verify or since_start")
    look = WholeParameter(
        "--look", default=1, description="up to which look of the trial; 0: all plans"
    )
    content = luigi.Parameter(default="", description="digest of the answers that are compared")

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each look."""
        return judgements_file(self.batch, self.look)

    def complete(self) -> bool:
        """Whether these very answers were compared."""
        return is_judged(self.experiment, self.batch, self.look, self.content)

    def work(self) -> None:
        """Ask the step's judge what it was never asked."""
        reports = current()
        on_progress = reports.progress if reports else None
        judge_look(self.experiment, self.batch, self.look, on_progress=on_progress)


class ByAnalyst(Phase):
    """A phase that each analyst carries out on its own."""

    analyst = luigi.Parameter(
        default=METRICS, description="the analyst: metrics, a file of configs/agents, or a model"
    )
    PREFIX = ""

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each analyst."""
        return f"{self.PREFIX}_{self.analyst}.md"

    def requires(self) -> luigi.Task:
        """All runs on train."""
        return self.clone_as(Runs)


class Insight(ByAnalyst):
    """What changed between the sides, in numbers and run paths. Writes insight_<analyst>.md."""

    PREFIX = "insight"

    def work(self) -> None:
        """Measure the train runs."""
        write_insight(self.experiment, self.analyst, self.FILE)


class CodeReview(ByAnalyst):
    """What the change is, read without the runs. Writes code_<analyst>.md."""

    PREFIX = "code"

    def work(self) -> None:
        """Review the change."""
        write_code_review(self.experiment, self.analyst, self.FILE)


class Synthesis(Phase):
    """The analysts reconciled, and the five best directions from here. Writes synthesis.md."""

    FILE = "synthesis.md"

    def requires(self) -> list[luigi.Task]:
        """Every analyst's insight and review."""
        analysts = analysts_of(self.experiment)
        return [self.clone_as(kind, analyst=a) for a in analysts for kind in (Insight, CodeReview)]

    def work(self) -> None:
        """Reconcile the analysts."""
        write_synthesis(self.experiment)


class Assessment(Phase):
    """Before and after in one table, with what the train runs show. Writes assessment.md."""

    FILE = "assessment.md"

    def requires(self) -> luigi.Task:
        """The synthesis."""
        return self.clone_as(Synthesis)

    def work(self) -> None:
        """Assess the train runs."""
        write_assessment(self.experiment)


class Verdict(Phase):
    """YES, NO, CONDITIONAL or INVALID, with every number behind it. Writes verdict.json."""

    FILE = "verdict.json"

    def requires(self) -> luigi.Task:
        """What the analysts made of the runs."""
        return self.clone_as(Assessment)

    def work(self) -> Iterator[Any]:
        """Decide on train; on a promising result run verify and decide again."""
        return supply(self, write_verdict(self.experiment))


class Conclude(Phase):
    """Merge on YES, close on NO, else leave it open with a label. Writes conclusion.json."""

    FILE = "conclusion.json"

    def requires(self) -> luigi.Task:
        """The verdict: nothing is merged before it."""
        return self.clone_as(Verdict)

    def work(self) -> None:
        """Comment on the pull request, then merge, close or label it."""
        conclude(self.experiment)


class Report(Phase):
    """The iteration as one page that needs no network. Writes report.html."""

    FILE = "report.html"

    def requires(self) -> luigi.Task:
        """Everything else, so that the page shows how it ended."""
        return self.clone_as(Conclude)

    def work(self) -> None:
        """Render the page; luigid links to it."""
        page = write_report(self.experiment)
        if page.startswith("http") and self.set_tracking_url is not None:
            self.set_tracking_url(page)


class SinceStart(Phase):
    """All merges together against the first baseline. Writes since_start.json."""

    FILE = "since_start.json"

    def requires(self) -> luigi.Task:
        """The merge."""
        return self.clone_as(Conclude)

    def work(self) -> Iterator[Any]:
        """Run both commits on the train plans; runs that exist are used again."""
        return supply(self, compare_since_start(self.experiment))


def limit_calls(experiment: Experiment, max_calls: int, max_cost: float) -> None:
    """Let this process and its forks make so many calls, and spend so much, from now on.

    Raises ConfigError where the cost of a model is not known.
    """
    if not max_calls and max_cost == NOT_GIVEN:
        return
    context, cost = experiment.context, None if max_cost == NOT_GIVEN else max_cost
    known = context.call_budget
    if known is not None and (known.max_calls, known.max_cost) == (max_calls, cost):
        return  # luigi asks again for what a task requires
    names = experiment.model_names or context.defaults.models
    check_prices(context.select_models(names), cost)
    context.call_budget = CallBudget(max_calls, cost)


class Iteration(PrintingTask, Phase):
    """The next iteration, or the one that --number names. Writes summary.txt and lab/index.html."""

    FILE = SUMMARY

    dry_run = luigi.BoolParameter(description="only print what would run and what it would cost")
    max_calls = CountParameter(
        "--max-calls",
        least=1,
        default=0,
        description="stop before this command makes more calls; the same command goes on",
    )
    max_cost = AmountParameter(
        "--max-cost", description="the same for US dollars, by the prices of the models"
    )

    @property
    def one_process_only(self) -> bool:
        """A dry run changes nothing."""
        return not self.dry_run

    def complete(self) -> bool:
        """Whether summary.txt is there; of a dry run, whether it has printed."""
        return super().complete() if self.dry_run else Phase.complete(self)

    def requires(self) -> luigi.Task | None:
        """All phases, the last one first; none for a dry run."""
        if self.dry_run:
            return None
        limit_calls(self.experiment, self.max_calls, self.max_cost)
        return self.clone_as(Report)

    def run(self) -> Generator[Any, Any, None]:
        """A dry run reads, prints and leaves no trace, not even the lock."""
        if self.dry_run:
            self.print_result(describe_dry_run(self.experiment))
            return
        yield from super().run()

    def work(self) -> Iterator[Any]:
        """Finish the iteration; every few merges compare with the first baseline before."""
        if since_start_due(self.experiment):
            yield self.clone_as(SinceStart)
        say(finish_iteration(self.experiment))


@prints_when_complete(Iteration)
def _read_summary(task: Iteration) -> str:
    return "" if task.dry_run else saved_summary(task.experiment)
