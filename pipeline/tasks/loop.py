"""Iterations one after another, and pull requests that others begin or that are taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import File, LabTask, Phase, hold_lab
from pipeline.tasks.iteration import Implement, Iteration, Scout
from pipeline.tasks.parameters import (
    MOST_REPLICATES,
    NOT_GIVEN,
    AmountParameter,
    CountParameter,
    NamesParameter,
)
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from pipeline.tasks.turns import in_turns, uses_luigid
from pipeline.wiring import lab_context
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.flags import NEXT
from prompt_lab.lazy import call_on_use
from prompt_lab.report.terminal import say
from prompt_lab.store.given_up import GIVEN_UP
from prompt_lab.store.iterations import PREPARED
from prompt_lab.store.loops import ENDED, check_loop, open_loop, read_ended
from prompt_lab.store.sealed import REVEALED

if TYPE_CHECKING:
    from prompt_lab.decide.stop import LoopLimits
    from prompt_lab.experiments.flags import change_given
    from prompt_lab.experiments.give_up import IterationEnd
    from prompt_lab.experiments.loop import LoopRun
    from prompt_lab.experiments.needs import IterationNeeded
    from prompt_lab.experiments.prepare_pull import describe_prepared, prepare_pull
    from prompt_lab.experiments.reveal import SealedFigures
    from prompt_lab.experiments.revert import MergeRevert

call_on_use(
    globals(),
    {
        "prompt_lab.decide.stop": "LoopLimits",
        "prompt_lab.experiments.flags": "change_given",
        "prompt_lab.experiments.give_up": "IterationEnd",
        "prompt_lab.experiments.loop": "LoopRun",
        "prompt_lab.experiments.prepare_pull": "describe_prepared prepare_pull",
        "prompt_lab.experiments.reveal": "SealedFigures",
        "prompt_lab.experiments.revert": "MergeRevert",
    },
)


class Loop(LabTask):
    """Iteration after iteration. Says why it stopped; the reason is in ended.json."""

    step = luigi.Parameter(default="", description="a file of configs/steps; default: lab.yaml's")
    number = CountParameter(
        "--number",
        least=1,
        default=NEXT,
        description="the loop; default: the open one, or a new one",
    )
    iterations = CountParameter(
        "--iterations", least=1, default=5, description="most iterations of the loop"
    )
    budget_usd = AmountParameter(
        "--budget-usd",
        description="stop before an iteration that could exceed this many US dollars",
    )
    target_score = AmountParameter(
        "--target-score", most=1, description="stop once main's mean score is at least this"
    )
    without_yes = CountParameter(
        "--without-yes",
        least=1,
        default=3,
        description="stop after this many iterations in a row without a YES",
    )
    models = NamesParameter(default="", description="as for Iteration")
    plans = NamesParameter(default="", description="as for Iteration")
    replicates = CountParameter(
        "--replicates", least=1, most=MOST_REPLICATES, default=0, description="as for Iteration"
    )
    agent = luigi.Parameter(default="", description="as for Iteration")
    analysts = NamesParameter(default="", description="as for Iteration")
    force_model = luigi.BoolParameter(description="as for Iteration")
    vars()["from"] = luigi.Parameter(
        default="", description="as for Iteration, of the loop's first one"
    )

    _message = ""

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Resolve step and number once, so that they are part of the task's id."""
        found = dict(super().get_param_values(params, args, kwargs))
        context = lab_context()
        found["step"] = found["step"] or context.defaults.step
        context.step(found["step"])
        if found["number"] == NEXT:
            found["number"] = open_loop(context.lab, found["step"])
        check_loop(context.lab, found["number"], found["step"])
        return [(name, found[name]) for name, _ in params]

    @property
    def loop(self) -> LoopRun:
        """The use case."""
        limits = LoopLimits(
            iterations=self.iterations,
            budget_usd=None if self.budget_usd == NOT_GIVEN else self.budget_usd,
            target_score=None if self.target_score == NOT_GIVEN else self.target_score,
            without_yes=self.without_yes,
        )
        options = {
            name: getattr(self, name)
            for name in ("models", "plans", "replicates", "agent", "analysts", "force_model")
        }
        options["start"] = str(vars(self)["from"])
        return LoopRun(self.context, self.step, self.number, limits, options)

    def output(self) -> luigi.LocalTarget:
        """The file that says why it stopped."""
        return File(str(self.loop.folder / ENDED))

    def run(self) -> Iterator[Any]:
        """Hold the lab, then make iterations. Luigi starts this again after each."""
        hold_lab(self.context)
        if not uses_luigid():
            yield from self._work()
            return
        name = f"loop_{self.number}_{self.step}"
        yield from in_turns(self, self._work, self.context.lab, name)

    def _work(self) -> Iterator[Any]:
        for need in self.loop.run(self._show):
            yield self._task_for(need)

    def reset_state(self) -> None:
        """What an earlier build printed, this one prints again."""
        super().reset_state()
        self._message = ""

    def _task_for(self, need: IterationNeeded) -> Phase:
        """The loop's next iteration, or its scout."""
        kind: type[Phase] = Scout if need.scout else Iteration
        return kind(
            step=self.step,
            number=need.number,
            models=self.models,
            plans=self.plans,
            replicates=self.replicates,
            analysts=self.analysts,
            follow_up=need.follow_up,
            agent=need.agent,
            force_model=self.force_model,
            **{"from": need.start},
        )

    def _show(self, text: str, percent: int) -> None:
        if text != self._message:  # once, also where a scout runs before the iteration
            say(text)
        self._message = text
        if self.set_status_message is not None:
            self.set_status_message(text)
        if self.set_progress_percentage is not None:
            self.set_progress_percentage(percent)


@prints_when_complete(Loop)
def _read_reason(task: Loop) -> str:
    record = read_ended(task.context.lab, task.number, task.step)
    return "" if record is None else record.text


class PreparePull(Phase):
    """Verify --pr, claim iteration and run folders, fill meta.json. Writes prepared.json."""

    FILE = PREPARED

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
        """Plan the train runs, and print what would run."""
        say(prepare_pull(self.experiment))


@prints_when_complete(PreparePull)
def _read_prepared(task: PreparePull) -> str:
    return describe_prepared(task.experiment)


class Revert(PrintingTask):
    """Take back what an iteration merged. Writes reverted.json beside its verdict."""

    number = CountParameter("--number", least=1, default=0, description="the merged iteration")
    reason = luigi.Parameter(
        default="", significant=False, description="the reason, for the record"
    )
    leave_open = luigi.BoolParameter(description="open the pull request, and let others merge it")

    @property
    def one_process_only(self) -> bool:
        """It opens a pull request and merges it."""
        return True

    def output(self) -> luigi.LocalTarget:
        """The record of the revert."""
        return File(str(self._use_case.folder / "reverted.json"))

    @property
    def _use_case(self) -> MergeRevert:
        return MergeRevert(self.context, self.number, self.reason, self.leave_open)

    def run(self) -> None:
        """Take it back; one that was cut off anywhere goes on to the ledger's row."""
        self._use_case.check()
        hold_lab(self.context)
        self.print_result(self._use_case.run())


class Reveal(PrintingTask):
    """Show the figures of an iteration's sealed plans, which ends these plans' use as a test."""

    number = CountParameter("--number", least=1, default=0, description="the concluded iteration")
    yes = luigi.BoolParameter(description="confirm the warning")

    @property
    def one_process_only(self) -> bool:
        """It changes the lab."""
        return True

    def output(self) -> luigi.LocalTarget:
        """The record."""
        return File(str(self._use_case.folder / REVEALED))

    @property
    def _use_case(self) -> SealedFigures:
        return SealedFigures(self.context, self.number, self.yes)

    def run(self) -> None:
        """Check and warn; then record, show, and write the pages again."""
        self._use_case.check()
        hold_lab(self.context)
        self.print_result(self._use_case.run())


class GiveUp(PrintingTask):
    """End an open iteration without a verdict. Writes given_up.json and summary.txt."""

    number = CountParameter("--number", least=1, default=0, description="the open iteration")
    reason = luigi.Parameter(
        default="", significant=False, description="the reason, for the record"
    )

    @property
    def one_process_only(self) -> bool:
        """It changes the lab."""
        return True

    def output(self) -> luigi.LocalTarget:
        """The record."""
        return File(str(self._use_case.folder / GIVEN_UP))

    @property
    def _use_case(self) -> IterationEnd:
        return IterationEnd(self.context, self.number, self.reason)

    def run(self) -> None:
        """Record it, report it on the pull request, then summary, ledger and commit."""
        _ = self._use_case.folder
        hold_lab(self.context)
        self.print_result(self._use_case.run())
