"""Calibrate: measure the decision engine in worlds whose truth is known, and write the page."""

import re
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import luigi

from adapters.git import Git
from pipeline.console import say
from pipeline.tasks.base import LabTask
from pipeline.tasks.parameters import CountParameter
from pipeline.tasks.printing import PrintingTask
from prompt_lab.decide.calibrate import results
from prompt_lab.decide.calibrate.page import FULL, faults, is_full, page, pictures
from prompt_lab.decide.calibrate.pool import SOURCES, text_of
from prompt_lab.decide.calibrate.results import BuildInfo, CellResult, digest, sources
from prompt_lab.decide.calibrate.reuse import Probe
from prompt_lab.errors import LabError, TargetError
from prompt_lab.evaluate import drift
from prompt_lab.evaluate.batches import FEWEST_PROBES
from prompt_lab.evaluate.drift_rows import DRIFT_ALPHA
from prompt_lab.store.files import read_if_whole, read_record, write_record, write_text

ROOT = Path(__file__).parents[2]
PAGE = "calibration.md"


def _drifted(then: Sequence[float], now: Sequence[float], alpha: float) -> bool:
    return drift.drifted(then, now, alpha).drifted


PROBE = Probe(share=0.25, fewest=FEWEST_PROBES, alpha=DRIFT_ALPHA, drifted=_drifted)


class LimitsMissed(LabError):
    """The engine does not do what it promises, or too little was asked of it to say so."""


class CalibrateCell(LabTask):
    """One world, or one series of candidates. Its file counts only for the engine it measured."""

    cell = luigi.Parameter(description="a name from prompt_lab/decide/calibrate")
    quick = luigi.BoolParameter(description="few worlds: minutes for all cells, not an hour")
    seed = CountParameter("--seed", least=0, default=1, description="of the worlds' randomness")

    def complete(self) -> bool:
        """Measured with this very engine and this seed."""
        found = read_if_whole(Path(self.output().path), CellResult)
        return found is not None and (found.made.engine, found.made.seed) == (engine(), self.seed)

    def output(self) -> luigi.LocalTarget:
        """lab/calibration/<quick or full>/<cell>.json."""
        return luigi.LocalTarget(str(self.folder / f"{file_name(self.cell)}.json"))

    @property
    def folder(self) -> Path:
        """Where the results of one kind lie."""
        return self.context.lab.root / "calibration" / ("quick" if self.quick else "full")

    def run(self) -> None:
        """Measure and write. Needs no lock: equal parameters write equal figures."""
        start = time.monotonic()
        seen = results.run_cell(self.cell, PROBE, quick=self.quick, seed=self.seed)
        found = CellResult(
            **dict(seen),
            name=self.cell,
            made=describe_build(self.seed),
            seconds=round(time.monotonic() - start, 1),
        )
        write_record(Path(self.output().path), found)


class Calibrate(PrintingTask):
    """All cells, then the page with its pictures. Fails where a limit is missed."""

    quick = luigi.BoolParameter(description="few worlds: minutes, not an hour")
    seed = CountParameter("--seed", least=0, default=1, description="of the worlds' randomness")
    docs = luigi.Parameter(
        default="", description="folder of the page; default: docs/, with --quick the results' own"
    )

    def requires(self) -> dict[str, CalibrateCell]:
        """One task per cell, by its name."""
        same = {"quick": self.quick, "seed": self.seed}
        return {name: CalibrateCell(cell=name, **same) for name in results.KINDS}

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Refuse a page that may not be written, before anything is measured. Raises LabError."""
        values = list(super().get_param_values(params, args, kwargs))
        found = dict(values)
        old = Path(found["docs"]) / PAGE
        if found["quick"] and found["docs"] and old.exists() and is_full(old.read_text("utf-8")):
            raise LabError(
                f"{old}: holds the figures of the full run, which a quick one does not replace. "
                "Leave --docs out, or name another folder."
            )
        return values

    @property
    def goal(self) -> Path:
        """The page's folder: the one named, else docs/, and for a quick run beside its results."""
        if self.docs:
            return Path(self.docs)
        cell = CalibrateCell(cell="", quick=self.quick, seed=self.seed)
        return cell.folder if self.quick else ROOT / "docs"

    def run(self) -> None:
        """Render, write, and say what was missed. Raises LimitsMissed."""
        tasks = self.requires()
        found = {
            name: read_record(Path(task.output().path), CellResult) for name, task in tasks.items()
        }
        goal = self.goal
        for name, svg in pictures(found).items():
            write_text(goal / name, svg)
        write_text(goal / PAGE, page(found, f"{FULL} QUICK=1" if self.quick else FULL))
        spent = sum(result.seconds for result in found.values())
        text = f"{len(found)} cells, {spent:.0f} s of one core: {goal / PAGE}"
        wrong = faults(found)
        if wrong:
            say(text)
            raise LimitsMissed(f"{len(wrong)} limits are missed:\n" + "\n".join(wrong))
        self.print_result(text)


def file_name(cell: str) -> str:
    """A cell's name as a file's.

    >>> file_name("+10 points, 5 % missing"), file_name("-5 points")
    ('plus_10_points_5_missing', 'minus_5_points')
    """
    signed = re.sub(r"^\+", "plus ", re.sub(r"^-", "minus ", cell))
    return re.sub(r"[^a-z0-9.]+", "_", signed.lower()).strip("_")


@cache
def engine() -> str:
    """Digest of all that a cell's figures come from: sources, real scores, and the probe."""
    texts = sources([results.__name__, drift.__name__])
    tables = {name: text_of(name) for name in SOURCES}
    return digest(texts | tables | {"probe": repr(PROBE[:3])})


def describe_build(seed: int) -> BuildInfo:
    """What this process measures with."""
    packages = {name: version(name) for name in ("prompt-lab", "numpy", "scipy")}
    return BuildInfo(
        engine=engine(),
        commit=_commit(),
        seed=seed,
        versions={"python": python_version()} | packages,
    )


def _commit() -> str:
    try:
        git = Git(ROOT, ours=False)
        dirty = git("status", "--porcelain", "--", "prompt_lab/decide")
        return git("rev-parse", "--short=12", "HEAD").strip() + ("+" if dirty.strip() else "")
    except TargetError:
        return "unknown: not a git checkout"
