"""Calibrate: measure the decision engine in worlds whose truth is known, and write the page."""

import re
import time
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from inspect import getsource
from pathlib import Path
from platform import python_version
from types import ModuleType

import luigi

from adapters.git import Git
from pipeline.base import LabTask
from prompt_lab.decide.calibrate import results
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.page import faults, page, pictures
from prompt_lab.decide.calibrate.results import CellResult, Made
from prompt_lab.errors import LabError, TargetError
from prompt_lab.store.files import read_if_whole, read_record, write_record, write_text

ROOT = Path(__file__).parent.parent


class LimitsMissed(LabError):
    """The engine does not do what it promises, or too little was asked of it to say so."""


class CalibrateCell(LabTask):
    """One world, or one series of candidates. Its file counts only for the engine it measured."""

    cell = luigi.Parameter(description="a name from prompt_lab/decide/calibrate")
    quick = luigi.BoolParameter(description="few worlds: minutes for all cells, not an hour")
    seed = luigi.IntParameter(default=1)

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
        return self.ctx.lab.root / "calibration" / ("quick" if self.quick else "full")

    def run(self) -> None:
        """Measure and write. Needs no lock: equal parameters write equal figures."""
        start = time.monotonic()
        seen = results.run_cell(self.cell, quick=self.quick, seed=self.seed)
        key = "ledgers" if isinstance(seen, Ledgers) else "measured"
        seconds = round(time.monotonic() - start, 1)
        found = CellResult.model_validate(
            {"name": self.cell, "made": made(self.seed), "seconds": seconds, key: seen}
        )
        write_record(Path(self.output().path), found)


class Calibrate(LabTask):
    """All cells, then the page with its pictures. Fails where a limit is missed."""

    quick = luigi.BoolParameter(description="few worlds: minutes, not an hour")
    seed = luigi.IntParameter(default=1)
    docs = luigi.Parameter(
        default="", description="folder of the page; default: docs/, with --quick the results' own"
    )
    _told = False

    def complete(self) -> bool:
        """Done once it has spoken: the page is cheap, and a missed limit is said every time."""
        return self._told

    def requires(self) -> dict[str, CalibrateCell]:
        """One task per cell, by its name."""
        same = {"quick": self.quick, "seed": self.seed}
        return {name: CalibrateCell(cell=name, **same) for name in results.KINDS}

    def run(self) -> None:
        """Render, write, and say what was missed. Raises LimitsMissed."""
        tasks = self.requires()
        found = {
            name: read_record(Path(task.output().path), CellResult) for name, task in tasks.items()
        }
        goal = Path(self.docs) if self.docs else ROOT / "docs"
        if self.quick and not self.docs:
            goal = next(iter(tasks.values())).folder
        for name, svg in pictures(found).items():
            write_text(goal / name, svg)
        command = f"{'QUICK=1 ' if self.quick else ''}make calibrate"
        write_text(goal / "calibration.md", page(found, command))
        spent = sum(result.seconds for result in found.values())
        print(f"{len(found)} cells, {spent:.0f} s of one core: {goal / 'calibration.md'}")
        wrong = faults(found)
        if wrong:
            raise LimitsMissed(f"{len(wrong)} limits are missed:\n" + "\n".join(wrong))
        self._told = True


def file_name(cell: str) -> str:
    """A cell's name as a file's.

    >>> file_name("+10 points, 5 % missing"), file_name("-5 points")
    ('plus_10_points_5_missing', 'minus_5_points')
    """
    signed = re.sub(r"^\+", "plus ", re.sub(r"^-", "minus ", cell))
    return re.sub(r"[^a-z0-9.]+", "_", signed.lower()).strip("_")


@cache
def engine() -> str:
    """Digest of the sources that a cell's figures come from: all that the measuring code uses."""
    waiting, texts = [results.run_cell.__module__], dict[str, str]()
    while waiting:
        module = import_module(waiting.pop())
        texts[module.__name__] = getsource(module)
        parts = vars(module).values()
        used = {p.__name__ if isinstance(p, ModuleType) else _home(p) for p in parts}
        waiting += [name for name in used - texts.keys() if name.startswith("prompt_lab.decide.")]
    return sha256("\n".join(texts[name] for name in sorted(texts)).encode()).hexdigest()[:12]


def made(seed: int) -> Made:
    """What this process measures with."""
    packages = {name: version(name) for name in ("prompt-lab", "numpy", "scipy")}
    return Made(
        engine=engine(),
        commit=_commit(),
        seed=seed,
        versions={"python": python_version()} | packages,
    )


def _home(part: object) -> str:
    return str(getattr(part, "__module__", ""))


def _commit() -> str:
    try:
        git = Git(ROOT, ours=False)
        dirty = git("status", "--porcelain", "--", "prompt_lab/decide")
        return git("rev-parse", "--short=12", "HEAD").strip() + ("+" if dirty.strip() else "")
    except TargetError:
        return "unknown: not a git checkout"
