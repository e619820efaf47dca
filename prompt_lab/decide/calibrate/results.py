"""What one cell of the calibration left behind, and with what it was made."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import Cell
from prompt_lab.decide.calibrate.measure import Measured, measure
from prompt_lab.decide.calibrate.series import SERIES, Series, run_series
from prompt_lab.errors import UnknownName

KINDS: dict[str, Cell | Series] = {c.world.name: c for c in named.ALL} | {s.name: s for s in SERIES}
FULL_WORLDS = 20_000


class Made(BaseModel):
    """Where figures come from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    engine: str = Field(description="digest of the engine's sources")
    commit: str = Field(description="of this repository; '+' where the tree held changes")
    seed: int
    versions: dict[str, str]


class CellResult(BaseModel):
    """One cell or series: its figures, one of the two, and their origin."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    name: str
    made: Made
    seconds: float
    measured: Measured | None = None
    ledgers: Ledgers | None = None


def size(name: str, *, quick: bool) -> int:
    """How many worlds, or campaigns, a cell is measured on."""
    kind = _kind(name)
    if isinstance(kind, Series):
        return kind.campaigns // 20 if quick else kind.campaigns
    if kind in named.SAVINGS:
        return 200 if quick else FULL_WORLDS // 4
    if kind in named.NULL:
        return 2000 if quick else FULL_WORLDS
    return 500 if quick else FULL_WORLDS


def run_cell(name: str, *, quick: bool, seed: int) -> Measured | Ledgers:
    """Measure a cell by its name. Raises UnknownName for one that is not there."""
    kind, count = _kind(name), size(name, quick=quick)
    return run_series(kind, count, seed) if isinstance(kind, Series) else measure(kind, count, seed)


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


def _kind(name: str) -> Cell | Series:
    if name not in KINDS:
        raise UnknownName("cell", name, KINDS, "prompt_lab/decide/calibrate/cells.py and series.py")
    return KINDS[name]
