"""What one cell of the calibration left behind, and with what it was made."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import CalibrationCell, Reuse
from prompt_lab.decide.calibrate.measure import Measured, measure
from prompt_lab.decide.calibrate.reuse import Probe, Reused, run_reuse
from prompt_lab.decide.calibrate.series import SERIES, Series, run_series
from prompt_lab.errors import UnknownName

Kind = CalibrationCell | Reuse | Series
KINDS: dict[str, Kind] = {cell.world.name: cell for cell in named.ALL}
KINDS |= {cell.world.name: cell for cell in (*named.REUSED, *named.REUSED_GAIN)}
KINDS |= {series.name: series for series in SERIES}
FULL_WORLDS = 20_000
REUSE_WORLDS = 8_000  # each is walked about four times


class BuildInfo(BaseModel):
    """Where figures come from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    engine: str = Field(description="digest of the engine's sources")
    commit: str = Field(description="of this repository; '+' where the tree held changes")
    seed: int
    versions: dict[str, str]


class CellFigures(BaseModel):
    """What one cell or series showed: one of the three."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measured: Measured | None = None
    ledgers: Ledgers | None = None
    reused: Reused | None = None


class CellResult(CellFigures):
    """One cell or series with its figures and their origin."""

    version: int = 1
    name: str
    made: BuildInfo
    seconds: float


def size(name: str, *, quick: bool) -> int:
    """How many worlds, or campaigns, a cell is measured on."""
    kind = _kind(name)
    if isinstance(kind, Series):
        return kind.campaigns // 20 if quick else kind.campaigns
    if isinstance(kind, Reuse):
        return 500 if quick else REUSE_WORLDS
    if kind in named.SAVINGS:
        return 200 if quick else FULL_WORLDS // 4
    if any(kind in group for group in named.NO_DIFFERENCE):
        return 2000 if quick else FULL_WORLDS
    return 500 if quick else FULL_WORLDS


def run_cell(name: str, probe: Probe, *, quick: bool, seed: int) -> CellFigures:
    """Measure a cell by its name. Raises UnknownName for one that is not there.

    `probe` is how a reused baseline is asked whether it still holds.
    """
    kind, count = _kind(name), size(name, quick=quick)
    if isinstance(kind, Series):
        return CellFigures(ledgers=run_series(kind, count, seed))
    if isinstance(kind, Reuse):
        return CellFigures(reused=run_reuse(kind, count, seed, probe))
    return CellFigures(measured=measure(kind, count, seed))


def origin(results: Iterable[CellResult]) -> str:
    """The provenance of all results together, as a Markdown list."""
    made = [result.made for result in results]
    rows = {
        "commit": {m.commit for m in made},
        "engine": {m.engine for m in made},
        "seed": {str(m.seed) for m in made},
    }
    for made_by in made:
        for package, version in made_by.versions.items():
            rows.setdefault(package, set()).add(version)
    return "\n".join(f"- {what}: {', '.join(sorted(values))}" for what, values in rows.items())


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise UnknownName("cell", name, KINDS, "prompt_lab/decide/calibrate/cells.py and series.py")
    return KINDS[name]
