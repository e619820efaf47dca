"""The page that shows the calibration: tables and pictures of what was measured, nothing else."""

from collections.abc import Mapping, Sequence

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import Cell
from prompt_lab.decide.calibrate.limits import (
    ALPHA,
    ENOUGH,
    missed,
    missed_by_series,
    simultaneous,
)
from prompt_lab.decide.calibrate.measure import Measured
from prompt_lab.decide.calibrate.picture import Scale, picture
from prompt_lab.decide.calibrate.results import CellResult, origin
from prompt_lab.decide.calibrate.series import SERIES

HEAD = """# Calibration

Worlds whose truth is known, judged by the very functions that judge a trial. *Kept* is the share of
worlds that end in 'better'; its interval holds for all cells of a table together at 95 %. *Calls*
are the mean share of the planned calls that were spent. *Claimed* and *uncorrected* are means, in
points, over the first kept worlds; *warned* is the share of those whose verdict warns of uneven
plans. Beside it stand the rules in common use on the same worlds. Wald's test is told the truth,
which nobody knows: it is the limit. `cells.py` and `series.py` in
`prompt_lab/decide/calibrate/` say what each cell is."""
SKEWED = """With few plans of which a few lose much, no test keeps its level. The verdict then
carries a warning (*warned*), or the anytime mode can be chosen, which needs no symmetry."""
NULL = """No candidate here changes anything, so each one kept is a false one. The dashed line is
5 %."""
LEDGERS = """Many candidates one after another on one set of 200 plans, the baseline's answers
reused. The share of false merges is a mean over the ledgers, 0 where nothing was merged."""


def page(results: Mapping[str, CellResult], command: str) -> str:
    """The page in Markdown. Cells that were not run are left out; `pictures` names its pictures."""
    cells = {name: r.measured for name, r in results.items() if r.measured}
    ledgers = {name: r.ledgers for name, r in results.items() if r.ledgers}
    parts = [
        HEAD,
        f"Made by `{command}`:\n\n{origin(results.values())}",
        _worlds(cells),
        _limits(results),
        f"## Nothing changed: how often is it kept?\n\n{NULL}",
        "![False keeps by cell and rule](calibration/null.svg)",
        table(chosen(named.NULL, cells)),
        f"## Plans that react unevenly\n\n{SKEWED}",
        table(chosen(named.SKEWED, cells)),
        "## True differences: power and calls",
        "![Power by cell and rule](calibration/power.svg)",
        "![Mean calls by cell and rule](calibration/calls.svg)",
        table(chosen(named.POWER, cells)),
        "## What each saving saves",
        table(chosen(named.SAVINGS, cells)),
        f"## Whole ledgers\n\n{LEDGERS}",
        ledger_table(ledgers),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def pictures(results: Mapping[str, CellResult]) -> dict[str, str]:
    """File name, relative to the page -> SVG."""
    cells = {name: r.measured for name, r in results.items() if r.measured}
    null, power = (chosen(group, cells) for group in (named.NULL, named.POWER))
    kept = Scale(0.6, 6, ALPHA, "kept although nothing changed")
    return {
        "calibration/null.svg": picture(null, lambda r: r.rate, kept),
        "calibration/power.svg": picture(power, lambda r: r.rate, Scale(1.0, 5, None, "kept")),
        "calibration/calls.svg": picture(
            power, lambda r: r.calls, Scale(1.0, 5, None, "mean calls, of those planned")
        ),
    }


def faults(results: Mapping[str, CellResult]) -> list[str]:
    """Every limit that the results contradict, as sentences."""
    found = []
    for cell in named.ALL:
        seen = results.get(cell.world.name)
        found += missed(cell, seen.measured) if seen and seen.measured else []
    for series in SERIES:
        seen = results.get(series.name)
        found += missed_by_series(series, seen.ledgers) if seen and seen.ledgers else []
    return found


def chosen(group: Sequence[Cell], measured: Mapping[str, Measured]) -> list[Measured]:
    """The cells of a group that were run, in the group's order."""
    return [measured[c.world.name] for c in group if c.world.name in measured]


def table(rows: Sequence[Measured]) -> str:
    """One row per cell: our rate, interval, calls and claims, beside the other rules' rates."""
    if not rows:
        return ""
    others = list(dict.fromkeys(name for row in rows for name in row.rivals))
    ours = ["cell", "worlds", "kept", "together 95 %", "calls", "claimed", "uncorrected", "warned"]
    lines = [_line([*ours, *others]), "|" + "---|" * len([*ours, *others])]
    for row, (low, high) in zip(rows, simultaneous(rows), strict=True):
        entries = [
            row.cell,
            f"{row.worlds:,}",
            f"{row.rate:.2%}",
            f"{low:.2%} to {high:.2%}",
            f"{row.calls:.0%}",
            _points(row.claim),
            _points(row.naive),
            "" if row.warned is None else f"{row.warned:.0%}",
            *(_rival(row, name) for name in others),
        ]
        lines.append(_line(entries))
    return "\n".join(lines)


def ledger_table(ledgers: Mapping[str, Ledgers]) -> str:
    """One row per series."""
    if not ledgers:
        return ""
    head = ["ledgers", "number", "false share of merges", "any false", "true found"]
    lines = [_line([*head, "claim less truth"]), "|" + "---|" * 6]
    for name, seen in ledgers.items():
        share = f"{seen.false_share:.2%} ± {2 * seen.false_share_error:.2%}"
        found = f"{seen.found:.0%}" if seen.true else ""
        excess = "" if seen.excess is None else f"{_points(seen.excess)} points"
        lines.append(
            _line([name, str(seen.campaigns), share, f"{seen.any_false:.1%}", found, excess])
        )
    return "\n".join(lines)


def _worlds(cells: Mapping[str, Measured]) -> str:
    null = {row.worlds for row in chosen(named.NULL, cells)}
    if not null or min(null) >= ENOUGH:
        return ""
    return (
        f"These are the figures of the quick check: {min(null):,} worlds in each cell without a"
        f" difference, as the tables say. `make calibrate` measures {ENOUGH:,}."
    )


def _limits(results: Mapping[str, CellResult]) -> str:
    wrong = faults(results)
    few = min((r.measured.worlds for r in results.values() if r.measured), default=0)
    way = "plain rates" if few >= ENOUGH else "rates, by their intervals where worlds are few"
    if not wrong:
        return f"Every limit that the cells and ledgers name holds ({way})."
    return "**These limits do not hold:**\n\n" + "\n".join(f"- {fault}" for fault in wrong)


def _line(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"


def _points(value: float | None) -> str:
    return "" if value is None else f"{value * 100:+.1f}"


def _rival(row: Measured, name: str) -> str:
    rival = row.rivals.get(name)
    return "" if rival is None else f"{rival.rate:.1%} ({rival.calls:.0%} of calls)"
