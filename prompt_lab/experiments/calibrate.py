"""Calibrate: measure the decision engine on simulated data with known truth; write the page."""

import re
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from prompt_lab.config.base import load_folder
from prompt_lab.decide.calibrate import results
from prompt_lab.decide.calibrate.page import FULL, faults, is_full, page, pictures
from prompt_lab.decide.calibrate.pool import SOURCES, text_of
from prompt_lab.decide.calibrate.product import POWER
from prompt_lab.decide.calibrate.product_page import product_faults, product_page, sentences
from prompt_lab.decide.calibrate.results import BuildInfo, CellResult, digest, sources
from prompt_lab.decide.calibrate.reuse import Probe
from prompt_lab.decide.ledger import grant
from prompt_lab.decide.verdict import RULE, Policy, chances_of_yes
from prompt_lab.errors import LabError
from prompt_lab.evaluate import drift
from prompt_lab.evaluate.batches import FEWEST_PROBES
from prompt_lab.evaluate.drift_rows import DRIFT_ALPHA
from prompt_lab.store.files import read_if_whole, read_record, write_record, write_text

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "configs" / "policies"
PAGES = {3: "calibration.md", 2: "calibration-rule-2.md"}
"""Rule -> the page of its figures."""
FIGURES = "calibration.json"
"""What the other pages quote, beside the page of rule 3."""
COMMANDS = {3: FULL, 2: f"{FULL} RULE=2"}
DRY_RUN_SEED = 7


def _drifted(then: Sequence[float], now: Sequence[float], alpha: float) -> bool:
    return drift.drifted(then, now, alpha).drifted


PROBE = Probe(share=0.25, fewest=FEWEST_PROBES, alpha=DRIFT_ALPHA, drifted=_drifted)


class LimitsMissed(LabError):
    """The engine misses a promised limit, or too few simulations were run to tell."""


def measure_cell(cell: str, *, quick: bool, seed: int, commit: str) -> CellResult:
    """Simulate one setting or one series of candidates. Equal arguments give equal figures."""
    start = time.monotonic()
    if cell in results.PRODUCT:
        seen = results.run_product(cell, shipped_policies(), quick=quick, seed=seed)
    else:
        seen = results.run_cell(cell, PROBE, quick=quick, seed=seed)
    return CellResult(
        **dict(seen),
        name=cell,
        made=describe_build(seed, commit),
        seconds=round(time.monotonic() - start, 1),
    )


def cells_of(rule: int) -> tuple[str, ...]:
    """The names of the cells of a rule's calibration."""
    return tuple(results.PRODUCT if rule == RULE else results.KINDS)


@cache
def shipped_policies() -> dict[str, Policy]:
    """The shipped policies by name, at the alpha that their ledgers grant a confirmation."""
    found = load_folder(POLICIES, Policy, "name")
    return {name: policy.at_alpha(grant([], policy).alpha) for name, policy in found.items()}


def dry_run_chances() -> dict[str, float]:
    """What the dry run's table says of the cells of power, by their names."""
    found = {}
    for cell in POWER:
        train, verify = cell.split
        table = chances_of_yes(
            shipped_policies()[cell.policy],
            plans_train=train,
            plans_verify=verify,
            models=cell.lab.models,
            binary=cell.lab.binary,
            baseline_rate=cell.lab.base,
            effects=(cell.effect,),
            seed=DRY_RUN_SEED,
        )
        found[f"{cell.policy}: {cell.name}"] = table.rows[0].yes
    return found


def is_current(path: Path, seed: int) -> bool:
    """Whether a cell was measured with this very engine and this seed."""
    found = read_if_whole(path, CellResult)
    return found is not None and (found.made.engine, found.made.seed) == (engine(), seed)


def read_cell(path: Path) -> CellResult:
    """A measured cell. Raises StoreError."""
    return read_record(path, CellResult)


def check_page(docs: str, *, quick: bool, rule: int = RULE) -> None:
    """Raises LabError before measuring if the page may not be written."""
    old = Path(docs) / PAGES[rule]
    if quick and docs and old.exists() and is_full(old.read_text("utf-8")):
        raise LabError(
            f"{old}: holds the figures of the full run, which a quick one does not replace. "
            "Leave --docs out, or name another folder."
        )


def write_page(
    found: Mapping[str, CellResult], goal: Path, *, quick: bool, rule: int = RULE
) -> str:
    """The page of a rule, with its pictures or figures. Returns a line of summary.

    Raises LimitsMissed after the page is written.
    """
    command = COMMANDS[rule] + (" QUICK=1" if quick else "")
    if rule == RULE:
        dry_run = dry_run_chances()
        text, wrong = product_page(found, dry_run, command), product_faults(found, dry_run)
        write_record(goal / FIGURES, sentences(found, dry_run))
    else:
        for name, svg in pictures(found).items():
            write_text(goal / name, svg)
        text, wrong = page(found, command), faults(found)
    write_text(goal / PAGES[rule], text)
    spent = sum(result.seconds for result in found.values())
    summary = f"{len(found)} cells, {spent:.0f} s of one core: {goal / PAGES[rule]}"
    if wrong:
        raise LimitsMissed(f"{summary}\n{len(wrong)} limits are missed:\n" + "\n".join(wrong))
    return summary


def file_name(cell: str) -> str:
    """A cell's name as a file's.

    >>> file_name("+10 points, 5 % missing"), file_name("-5 points")
    ('plus_10_points_5_missing', 'minus_5_points')
    """
    signed = re.sub(r"^\+", "plus ", re.sub(r"^-", "minus ", cell))
    return re.sub(r"[^a-z0-9.]+", "_", signed.lower()).strip("_")


@cache
def engine() -> str:
    """Digest of the inputs of a cell's figures: sources, real scores and the probe."""
    texts = sources([results.__name__, drift.__name__])
    tables = {name: text_of(name) for name in SOURCES}
    policies = {path.name: path.read_text("utf-8") for path in sorted(POLICIES.glob("*.yaml"))}
    return digest(texts | tables | policies | {"probe": repr(PROBE[:3])})


def describe_build(seed: int, commit: str) -> BuildInfo:
    """The versions that this process measures with."""
    packages = {name: version(name) for name in ("prompt-lab", "numpy", "scipy")}
    return BuildInfo(
        engine=engine(),
        commit=commit,
        seed=seed,
        versions={"python": python_version()} | packages,
    )
