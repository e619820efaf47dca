"""Calibrate: measure the decision engine in worlds whose truth is known, and write the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.settings import CHECKOUT
from pipeline.tasks.base import LabTask
from pipeline.tasks.parameters import CountParameter
from pipeline.tasks.printing import PrintingTask
from pipeline.wiring import load_adapter
from prompt_lab.errors import TargetError
from prompt_lab.lazy import call_on_use
from prompt_lab.store.files import write_record

if TYPE_CHECKING:
    from prompt_lab.experiments.calibrate import (
        cells_of,
        check_page,
        file_name,
        is_current,
        measure_cell,
        read_cell,
        write_page,
    )

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.calibrate": (
            "cells_of check_page file_name is_current measure_cell read_cell write_page"
        ),
    },
)


class CalibrateCell(LabTask):
    """One world, or one series of candidates. Its file counts only for the engine it measured."""

    cell = luigi.Parameter(description="a name from prompt_lab/decide/calibrate")
    quick = luigi.BoolParameter(description="fewer simulations")
    seed = CountParameter("--seed", least=0, default=1, description="of the worlds' randomness")

    def complete(self) -> bool:
        """Measured with this very engine and this seed."""
        return is_current(Path(self.output().path), self.seed)

    def output(self) -> luigi.LocalTarget:
        """lab/calibration/<quick or full>/<cell>.json."""
        return luigi.LocalTarget(str(self.folder / f"{file_name(self.cell)}.json"))

    @property
    def folder(self) -> Path:
        """The folder of the results of one kind."""
        return self.context.lab.root / "calibration" / ("quick" if self.quick else "full")

    def run(self) -> None:
        """Measure and write. Needs no lock: equal parameters write equal figures."""
        found = measure_cell(self.cell, quick=self.quick, seed=self.seed, commit=_engine_commit())
        write_record(Path(self.output().path), found)


class Calibrate(PrintingTask):
    """All cells, then the page with its pictures. Fails where a limit is missed."""

    quick = luigi.BoolParameter(description="fewer simulations: two minutes at most with rule 3")
    seed = CountParameter("--seed", least=0, default=1, description="of the worlds' randomness")
    rule = luigi.ChoiceParameter(
        choices=[2, 3], var_type=int, default=3, description="the decision rule to measure"
    )
    docs = luigi.Parameter(
        default="", description="folder of the page; default: docs/, with --quick the results' own"
    )

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Refuse a page that may not be written, before anything is measured. Raises LabError."""
        values = list(super().get_param_values(params, args, kwargs))
        found = dict(values)
        check_page(found["docs"], quick=found["quick"], rule=found["rule"])
        return values

    def requires(self) -> dict[str, CalibrateCell]:
        """One task per cell, by its name."""
        same = {"quick": self.quick, "seed": self.seed}
        return {name: CalibrateCell(cell=name, **same) for name in cells_of(self.rule)}

    @property
    def goal(self) -> Path:
        """The page's folder: the one named, else docs/, and for a quick run beside its results."""
        if self.docs:
            return Path(self.docs)
        cell = CalibrateCell(cell="", quick=self.quick, seed=self.seed)
        return cell.folder if self.quick else CHECKOUT / "docs"

    def run(self) -> None:
        """Render, write, and print what was missed. Raises LimitsMissed."""
        found = {
            name: read_cell(Path(task.output().path)) for name, task in self.requires().items()
        }
        self.print_result(write_page(found, self.goal, quick=self.quick, rule=self.rule))


def _engine_commit() -> str:
    """The commit of this checkout, with '+' where the engine was edited since."""
    try:
        git = load_adapter("git", "git")(CHECKOUT, ours=False)
        dirty = git("status", "--porcelain", "--", "prompt_lab/decide")
        return str(git("rev-parse", "--short=12", "HEAD")).strip() + ("+" if dirty.strip() else "")
    except TargetError:
        return "unknown: not a git checkout"
