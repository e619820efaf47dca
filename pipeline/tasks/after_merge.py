"""Re-tests of merges on fresh plans, to be started on a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import Phase, hold_lab
from pipeline.tasks.iteration import supply
from pipeline.tasks.parameters import CountParameter
from pipeline.tasks.printing import PrintingTask
from pipeline.wiring import lab_context
from prompt_lab.errors import ConfigError, LabError
from prompt_lab.lazy import call_on_use

if TYPE_CHECKING:
    from prompt_lab.experiments.after_merge import (
        describe_checks,
        describe_retests,
        merges_to_retest,
        next_round,
        retest,
    )
    from prompt_lab.experiments.experiment import Experiment
    from prompt_lab.store.retests import retest_file

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.after_merge": (
            "describe_checks describe_retests merges_to_retest next_round retest"
        ),
        "prompt_lab.store.retests": "retest_file",
    },
)


class Retest(Phase):
    """One round of a merge's re-test on fresh plans. Writes retest_<round>.json."""

    round = CountParameter(
        "--round", least=1, default=0, description="the round; default: the one that is not done"
    )

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """As for any phase. Raises StoreError where --number is no merge with a fresh plan."""
        values = dict(super().get_param_values(params, args, kwargs))
        if not values["round"]:
            found = merges_to_retest(lab_context(), values["step"], values["number"])
            if not found:
                raise ConfigError(
                    [f"--number {values['number']}: it has no fresh plan to be re-tested on"]
                )
            values["round"] = next_round(found[0])
        return [(name, values[name]) for name, _ in params]

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each round."""
        return retest_file(self.round)

    def work(self) -> Iterator[Any]:
        """Run both sides on the fresh plans; report and revert what turned out worse."""
        return supply(self, retest(self.experiment, self.round))


class CheckMerges(PrintingTask):
    """Re-test every merge that has fresh plans, and print what all its re-tests show."""

    step = luigi.Parameter(default="", description="the merges of this step; default: of all")
    number = CountParameter(
        "--number", least=1, default=0, description="one merged iteration; default: all"
    )
    dry_run = luigi.BoolParameter(description="only print what would run")

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """As luigi reads them. Raises UnknownName for a step that is not configured."""
        values: list[tuple[str, Any]] = super().get_param_values(params, args, kwargs)
        if step := dict(values)["step"]:
            lab_context().step(step)
        return values

    @property
    def one_process_only(self) -> bool:
        """It changes the lab, except for a dry run."""
        return not self.dry_run

    def reset_state(self) -> None:
        """Look again for merges with fresh plans."""
        super().reset_state()
        vars(self).pop("_due", None)

    def requires(self) -> list[luigi.Task]:
        """One round of each merge with fresh plans; none for a dry run."""
        return [
            self.clone(Retest, step=one.step, number=one.number, round=number)
            for one, number in self._due
        ]

    @cached_property
    def _due(self) -> list[tuple[Experiment, int]]:
        """The merges and their rounds as they were when the command began."""
        if self.dry_run:
            return []
        try:
            found = merges_to_retest(self.context, self.step, self.number)
        except LabError:  # run() raises it
            return []
        return [(one, next_round(one)) for one in found]

    def run(self) -> None:
        """Print the state of every merge."""
        if self.dry_run:
            self.print_result(describe_retests(self.context, self.step, self.number))
            return
        merges_to_retest(self.context, self.step, self.number)
        hold_lab(self.context)
        self.print_result(describe_checks(self.context, self.step, self.number))
