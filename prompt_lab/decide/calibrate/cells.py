"""The named cells of the calibration: which worlds, and what is asked of each."""

from typing import NamedTuple

from prompt_lab.decide.calibrate.resampled import Resampled
from prompt_lab.decide.calibrate.worlds import World
from prompt_lab.decide.policy import Policy


class CellLimits(NamedTuple):
    """What a cell must show; None: reported only."""

    kept_at_most: float | None = None
    kept_at_least: float | None = None
    calls_at_most: float | None = None


class CalibrationCell(NamedTuple):
    """One world under one policy."""

    world: World | Resampled
    limits: CellLimits = CellLimits()
    changes: tuple[tuple[str, object], ...] = ()

    @property
    def policy(self) -> Policy:
        """The default policy over the world's plans, with the cell's changes."""
        base = {"max_plans": self.world.plans, "replicates": self.world.replicates}
        return Policy.model_validate(base | dict(self.changes))


class Reuse(NamedTuple):
    """A baseline of an earlier day: since then the model moved by `world.effect`.

    The candidate is better than the baseline of today by `gain`.
    """

    world: World
    gain: float = 0.0
    limits: CellLimits = CellLimits()

    @property
    def policy(self) -> Policy:
        """The default policy over the world's plans."""
        return Policy(max_plans=self.world.plans, replicates=self.world.replicates)


def _null(name: str, **world: object) -> CalibrationCell:
    return CalibrationCell(
        World.model_validate({"name": name, **world}), CellLimits(kept_at_most=0.055)
    )


def _graded(name: str, **world: object) -> CalibrationCell:
    return _null(name, kind="graded", **world)


def _null_cell(name: str, plans: int, sides: tuple[str, str], **more: object) -> CalibrationCell:
    source = name.partition(",")[0]
    fields = {"source": source, "plans": plans, "old": sides[0], "new": sides[1]} | more
    world = Resampled.model_validate({"name": name, **fields})
    null = world.swapped or world.old == world.new
    return CalibrationCell(world, CellLimits(kept_at_most=0.055) if null else CellLimits())


def _old_baseline(plans: int, models: int, points: int, gain: int = 0) -> Reuse:
    parts = [f"{plans} plans", f"{models} models" if models > 1 else "",
             f"gain of {gain} points" if gain else "", f"drifted by {points} points"]  # fmt: skip
    name = ", ".join(part for part in parts if part)
    alike = 0.5 if models > 1 else 0.0
    world = World(name=name, plans=plans, models=models, alike=alike, base=0.5, effect=points / 100)
    return Reuse(world, gain / 100, CellLimits() if gain else CellLimits(kept_at_most=0.055))


NULL = (
    _null("0/1, 200 plans"),
    _null("0/1, 400 plans", plans=400),
    _null("0/1, 100 plans", plans=100),
    _null("0/1, 50 plans", plans=50),
    _null("0/1, 20 plans", plans=20),
    _null("0/1, 10 plans", plans=10),
    _null("0/1, 5 plans", plans=5),
    _null("0/1, base 0.9", base=0.9),
    _null("0/1, equal plans", difficulty=0.0),
    _null("0/1, 7 models", models=7, plans=100),
    _null("0/1, 7 models, alike 0.3", models=7, plans=100, alike=0.3),
    _null("0/1, 7 models, alike 0.7", models=7, plans=100, alike=0.7),
    _null("0/1, 20 plans, 7 models, alike 0.7", plans=20, models=7, alike=0.7),
    _null("0/1, 50 plans, 3 models, 3 replicates, alike 0.5", plans=50, models=3, replicates=3,
          alike=0.5),
    _null("0/1, 5 plans x 7 models x 3 replicates, reaction 20 points", plans=5, models=7,
          replicates=3, reaction=0.2),
    _null("0/1, 10 plans, 7 models, alike 0.7, reaction 20 points", plans=10, models=7, alike=0.7,
          reaction=0.2),
    _null("0/1, 20 % missing", missing=0.2),
    _null("0/1, drift 30 points", drift=0.3),
    _graded("graded, 200 plans"),
    _graded("graded, 50 plans", plans=50),
    _graded("graded, 10 plans", plans=10),
    _graded("graded, 20 plans, 7 models, alike 0.7", plans=20, models=7, alike=0.7),
    _graded("graded, 50 plans, 3 models, 3 replicates, 10 % missing", plans=50, models=3,
            replicates=3, missing=0.1),
    _graded("graded, 5 plans, 7 models, alike 0.7, drift 30 points", plans=5, models=7, alike=0.7,
            drift=0.3),
)  # fmt: skip

SKEWED = tuple(
    CalibrationCell(World(name=name, kind="graded", plans=plans, reaction=0.2, skewed=sign))
    for plans in (5, 10, 20, 50, 200)
    for sign, name in ((1, f"{plans} plans, few gain much"), (-1, f"{plans} plans, few lose much"))
)

POWER = (
    CalibrationCell(
        World(name="+10 points, 200 plans", effect=0.1), CellLimits(kept_at_least=0.68)
    ),
    CalibrationCell(World(name="+10 points, 400 plans", effect=0.1, plans=400),
         CellLimits(kept_at_least=0.92, calls_at_most=0.62)),
    CalibrationCell(
        World(name="no difference, 400 plans", plans=400), CellLimits(0.055, None, 0.73)
    ),
    CalibrationCell(World(name="+20 points, 200 plans", effect=0.2),
         CellLimits(kept_at_least=0.99, calls_at_most=0.45)),
    CalibrationCell(
        World(name="-5 points, 200 plans", effect=-0.05), CellLimits(kept_at_most=0.005)
    ),
)  # fmt: skip

SAVINGS = (
    CalibrationCell(World(name="+10 points, baseline of 3 old runs", effect=0.1, old_runs=3)),
    CalibrationCell(World(name="no difference, baseline of 3 old runs", old_runs=3)),
    CalibrationCell(World(name="+10 points, adjusted for difficulty", effect=0.1),
         changes=(("adjust", "difficulty"),)),
    CalibrationCell(
        World(name="no difference, adjusted for difficulty"), changes=(("adjust", "difficulty"),)
    ),
    CalibrationCell(World(name="+10 points, one look", effect=0.1), changes=(("mode", "fixed"),)),
    CalibrationCell(World(name="+10 points, anytime", effect=0.1),
         changes=(("mode", "anytime"), ("looks", 20))),
    CalibrationCell(
        World(name="no difference, anytime"), changes=(("mode", "anytime"), ("looks", 20))
    ),
)  # fmt: skip

_INVOICES, _PLANEXE = ("baseline", "candidate"), ("middle", "last")

REAL_NULL = (
    _null_cell("invoices, baseline twice, 60 plans", 60, ("baseline", "baseline")),
    _null_cell("invoices, baseline twice, 20 plans", 20, ("baseline", "baseline")),
    _null_cell("invoices, candidate twice, 60 plans", 60, ("candidate", "candidate")),
    _null_cell("invoices, candidate twice, 20 plans", 20, ("candidate", "candidate")),
    _null_cell("invoices, sides swapped, 60 plans", 60, _INVOICES, swapped=True),
    _null_cell("invoices, sides swapped, 20 plans", 20, _INVOICES, swapped=True),
    _null_cell("planexe, first twice, 60 plans", 60, ("first", "first")),
    _null_cell("planexe, last twice, 20 plans", 20, ("last", "last")),
    _null_cell("planexe, sides swapped, 60 plans", 60, _PLANEXE, swapped=True),
    _null_cell("planexe, sides swapped, 5 plans", 5, _PLANEXE, swapped=True),
)

REAL = (
    _null_cell("invoices, baseline to candidate, 60 plans", 60, _INVOICES),
    _null_cell("invoices, baseline to candidate, 20 plans", 20, _INVOICES),
    _null_cell("invoices, baseline to candidate, 10 plans", 10, _INVOICES),
    _null_cell("planexe, middle to last, 200 plans", 200, _PLANEXE),
    _null_cell("planexe, middle to last, 60 plans", 60, _PLANEXE),
    _null_cell("planexe, middle to last, 20 plans", 20, _PLANEXE),
)

_SIZES = tuple((plans, models) for models in (1, 7) for plans in (200, 60, 20))

REUSED = tuple(_old_baseline(*size, points) for size in _SIZES for points in (0, 5, 10, 20))
REUSED_GAIN = (
    *(_old_baseline(*size, 0, gain=20) for size in _SIZES),
    _old_baseline(60, 1, -20, gain=20),
    _old_baseline(60, 7, -20, gain=20),
)

ALL = (*NULL, *SKEWED, *POWER, *SAVINGS, *REAL_NULL, *REAL)
NO_DIFFERENCE: tuple[tuple[CalibrationCell | Reuse, ...], ...] = (NULL, REAL_NULL, REUSED)
"""Groups whose intervals hold together, none of whose candidates changes anything."""
