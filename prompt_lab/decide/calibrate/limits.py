"""What the cells must show, and whether they did: a failed limit is a sentence."""

from collections.abc import Sequence

from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import NO_DIFFERENCE, CalibrationCell, Reuse
from prompt_lab.decide.calibrate.measure import Measured, clopper_pearson
from prompt_lab.decide.calibrate.reuse import Reused
from prompt_lab.decide.calibrate.series import Series

ALPHA = 0.05
ENOUGH = 20_000  # worlds, from which on the plain rates must keep within the limits


def missed(cell: CalibrationCell, seen: Measured) -> list[str]:
    """The limits of this cell that its worlds contradict, as sentences.

    A rate contradicts a limit only if its interval excludes it, so that few worlds make an honest
    quick check; with 20,000 the interval is half a point wide, and the plain rates must keep
    within the limit as well. The intervals of a group of null cells
    hold together.
    """
    faults = _kept_too_often(cell, seen.kept, seen.worlds)
    _, high = clopper_pearson(seen.kept, seen.worlds, 0.95)
    many = seen.worlds >= ENOUGH
    _, least, calls = cell.limits
    slack = 0.0 if many else 0.6 / seen.worlds**0.5
    if least is not None and (seen.rate if many else high) < least:
        faults.append(f"kept {seen.rate:.1%}, at least {least:.0%} wanted")
    if calls is not None and seen.calls > calls + slack:
        faults.append(f"took {seen.calls:.0%} of the calls, at most {calls:.0%} wanted")
    return [f"{seen.cell}: {fault}" for fault in faults]


def missed_by_reuse(cell: Reuse, seen: Reused) -> list[str]:
    """The same for a reused baseline: what the rule keeps, not its rivals."""
    faults = _kept_too_often(cell, seen.renewed, seen.worlds)
    return [f"{seen.cell}: {fault}" for fault in faults]


def missed_by_series(series: Series, seen: Ledgers) -> list[str]:
    """The same for a series: by intervals for few campaigns, by the plain shares for all."""
    many = seen.campaigns >= series.campaigns
    any_low, _ = clopper_pearson(seen.with_false, seen.campaigns, 0.95)
    _, found_high = clopper_pearson(seen.merged_true, max(seen.true, 1), 0.95)
    share = seen.false_share - (0.0 if many else 2 * seen.false_share_error)
    asked, faults = series.asked, []
    if asked.false_share_at_most is not None and share > asked.false_share_at_most:
        faults.append(f"{seen.false_share:.1%} of the merges are false")
    if asked.any_false_at_most is not None:
        rate = seen.any_false if many else any_low
        if rate > asked.any_false_at_most:
            faults.append(f"{seen.any_false:.1%} of the campaigns end with a false merge")
    if asked.found_at_least is not None:
        found = seen.share_merged if many else found_high
        if found < asked.found_at_least:
            faults.append(f"only {seen.share_merged:.0%} of the true gains are merged")
    if asked.excess_at_most is not None and seen.excess is not None:
        excess = seen.excess - (0.0 if many else 2 * seen.excess_error)
        if excess > asked.excess_at_most:
            faults.append(f"claims exceed the truth by {seen.excess * 100:.1f} points")
    return [f"{series.name}: {fault}" for fault in faults]


def simultaneous(cells: Sequence[Measured]) -> list[tuple[float, float]]:
    """Intervals of the rates that hold for all these cells together at 95 %."""
    share = 0.05 / max(len(cells), 1)
    return [clopper_pearson(c.kept, c.worlds, 1 - share) for c in cells]


def _kept_too_often(cell: CalibrationCell | Reuse, kept: int, worlds: int) -> list[str]:
    together = next((len(group) for group in NO_DIFFERENCE if cell in group), 0)
    low, _ = clopper_pearson(kept, worlds, 1 - 0.05 / max(together, 1))
    most, rate, faults = cell.limits.kept_at_most, kept / worlds, []
    if most is not None and (rate if worlds >= ENOUGH else low) > most:
        faults.append(f"kept {rate:.2%}, at most {most:.1%} allowed")
    if together and low > ALPHA:
        faults.append(f"kept {rate:.2%}, above {ALPHA:.0%} beyond chance")
    return faults
