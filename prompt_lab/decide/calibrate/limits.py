"""What the cells must show, and whether they did: a failed limit is a sentence."""

from collections.abc import Sequence

from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import NULL, Cell
from prompt_lab.decide.calibrate.measure import Measured, clopper_pearson

ALPHA = 0.05


def missed(cell: Cell, seen: Measured) -> list[str]:
    """The limits of this cell that its worlds contradict, as sentences.

    A rate contradicts a limit only if its interval excludes it, so that few worlds make an honest
    quick check; with 20,000 the interval is half a point wide. The null cells' intervals hold
    together, and with that many worlds their plain rates must keep within the limit as well.
    """
    share = 0.05 / len(NULL) if cell in NULL else 0.05
    low, high = clopper_pearson(seen.kept, seen.worlds, 1 - share)
    most, least, calls = cell.limits
    slack = 0.0 if seen.worlds >= 20_000 else 0.6 / seen.worlds**0.5
    faults = []
    if most is not None and (low > most or (seen.worlds >= 20_000 and seen.rate > most)):
        faults.append(f"kept {seen.rate:.2%}, at most {most:.1%} allowed")
    if cell in NULL and low > ALPHA:
        faults.append(f"kept {seen.rate:.2%}, above {ALPHA:.0%} beyond chance")
    if least is not None and high < least:
        faults.append(f"kept {seen.rate:.1%}, at least {least:.0%} wanted")
    if calls is not None and seen.calls > calls + slack:
        faults.append(f"took {seen.calls:.0%} of the calls, at most {calls:.0%} wanted")
    return [f"{seen.cell}: {fault}" for fault in faults]


def missed_by_ledgers(ledgers: Ledgers, useless: Ledgers) -> list[str]:
    """The same for ledgers with true +20-point gains among them, and for useless campaigns."""
    faults = []
    if ledgers.false_share > ALPHA:
        faults.append(f"ledgers: {ledgers.false_share:.1%} of the merges are false")
    if ledgers.found < 0.7:
        faults.append(f"ledgers: only {ledgers.found:.0%} of the true gains are merged")
    if ledgers.excess is not None and ledgers.excess > 0.01:
        faults.append(f"ledgers: claims exceed the truth by {ledgers.excess * 100:.1f} points")
    if useless.any_false > ALPHA:
        faults.append(f"campaigns: {useless.any_false:.1%} end with a false merge")
    return faults


def simultaneous(cells: Sequence[Measured]) -> list[tuple[float, float]]:
    """Intervals of the rates that hold for all these cells together at 95 %."""
    share = 0.05 / max(len(cells), 1)
    return [clopper_pearson(c.kept, c.worlds, 1 - share) for c in cells]
