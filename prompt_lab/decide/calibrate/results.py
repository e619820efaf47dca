"""What one cell of the calibration left behind, and with what it was made."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from inspect import getsource

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import CalibrationCell, Reuse
from prompt_lab.decide.calibrate.measure import Measured, measure
from prompt_lab.decide.calibrate.net_gain import (
    LEDGER_WORLDS,
    RIVAL,
    LedgerWorld,
    NetGain,
    run_campaigns,
)
from prompt_lab.decide.calibrate.product import (
    FALSE_MERGES,
    HARMFUL,
    POWER,
    RESUBMITTED,
    Counted,
    FalseMergeCell,
    PowerCell,
    Resubmission,
    count_false,
    count_power,
    count_resubmitted,
)
from prompt_lab.decide.calibrate.reuse import Probe, Reused, run_reuse
from prompt_lab.decide.calibrate.series import SERIES, Series, run_series
from prompt_lab.decide.policy import Policy
from prompt_lab.errors import UnknownName

Kind = CalibrationCell | Reuse | Series
KINDS: dict[str, Kind] = {cell.world.name: cell for cell in named.ALL}
KINDS |= {cell.world.name: cell for cell in (*named.REUSED, *named.REUSED_GAIN)}
KINDS |= {series.name: series for series in SERIES}
Product = FalseMergeCell | PowerCell | LedgerWorld | Resubmission
_PRODUCT: tuple[Product, ...] = (
    *FALSE_MERGES,
    Resubmission(RESUBMITTED, "strict"),
    *HARMFUL,
    *POWER,
    *LEDGER_WORLDS,
    RIVAL,
)
PRODUCT = {f"{cell.policy}: {cell.name}": cell for cell in _PRODUCT}
"""The cells of rule 3; KINDS are those of rule 2."""
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
    """What one cell or series showed: one of the five."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    measured: Measured | None = None
    ledgers: Ledgers | None = None
    reused: Reused | None = None
    counted: Counted | None = None
    net: NetGain | None = None


class CellResult(CellFigures):
    """One cell or series with its figures and their origin."""

    version: int = 1
    name: str
    made: BuildInfo
    seconds: float


def size(name: str, *, quick: bool) -> int:
    """How many worlds, or campaigns, a cell is measured on."""
    if name in PRODUCT:
        return _product_size(PRODUCT[name], quick=quick)
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


def _product_size(cell: Product, *, quick: bool) -> int:
    if isinstance(cell, FalseMergeCell):
        return FULL_WORLDS // 10 if quick else FULL_WORLDS
    if isinstance(cell, PowerCell):
        return 500 if quick else 4000
    return 60 if quick else 400 if isinstance(cell, Resubmission) else 240


def run_product(
    name: str, policies: Mapping[str, Policy], *, quick: bool, seed: int
) -> CellFigures:
    """Measure a cell of rule 3. `policies` are the shipped ones at the alpha that they grant."""
    cell, count = PRODUCT[name], _product_size(PRODUCT[name], quick=quick)
    policy = policies[cell.policy]
    if isinstance(cell, FalseMergeCell):
        return CellFigures(counted=count_false(cell, policy, count, seed))
    if isinstance(cell, PowerCell):
        return CellFigures(counted=count_power(cell, policy, count, seed))
    if isinstance(cell, LedgerWorld):
        return CellFigures(net=run_campaigns(cell, policy, count, seed))
    return CellFigures(counted=count_resubmitted(cell, policy, count, seed))


def run_cell(name: str, probe: Probe, *, quick: bool, seed: int) -> CellFigures:
    """Measure a cell of rule 2 by its name. Raises UnknownName for one that is not there.

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


ROOM = "prompt_lab.decide"


def sources(modules: Iterable[str]) -> dict[str, str]:
    """Module -> source, of these and of all that they import from this room, however deep.

    Read from the import statements, so that a module of which only a constant is used counts too.
    """
    waiting, texts = list(modules), dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name not in texts:
            texts[name] = getsource(import_module(name))
            waiting += [used for used in _imported(texts[name]) if _is_module(used)]
    return texts


def digest(texts: dict[str, str]) -> str:
    """Twelve hex digits that change with any name or text.

    >>> digest({"a": "1"}) == digest({"a": "2"})
    False
    """
    return sha256(repr(sorted(texts.items())).encode()).hexdigest()[:12]


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def _is_module(name: str) -> bool:
    try:
        return name.startswith(f"{ROOM}.") and find_spec(name) is not None
    except ModuleNotFoundError:  # a name within a module
        return False
