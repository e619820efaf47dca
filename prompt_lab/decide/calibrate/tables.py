"""The tables of the calibration's page: a row for each cell that was run."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import CalibrationCell, Reuse
from prompt_lab.decide.calibrate.measure import Measured, clopper_pearson
from prompt_lab.decide.calibrate.reuse import Reused
from prompt_lab.decide.calibrate.series import simultaneous

T = TypeVar("T")


def chosen(group: Sequence[CalibrationCell | Reuse], seen: Mapping[str, T]) -> list[T]:
    """The cells of a group that were run, in the group's order."""
    return [seen[cell.world.name] for cell in group if cell.world.name in seen]


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
        found = f"{seen.share_merged:.0%}" if seen.true else ""
        excess = "" if seen.excess is None else f"{_points(seen.excess)} points"
        lines.append(
            _line([name, str(seen.campaigns), share, f"{seen.any_false:.1%}", found, excess])
        )
    return "\n".join(lines)


def reuse_table(rows: Sequence[Reused]) -> str:
    """One row per cell: kept with the baseline made again, and reused in three ways."""
    if not rows:
        return ""
    head = [
        "cell",
        "worlds",
        "made again",
        "no probe",
        "probe only",
        "by the rule",
        "together 95 %",
    ]
    lines = [_line([*head, "calls", "INVALID", "probes a model"]), "|" + "---|" * 10]
    for row in rows:
        low, high = clopper_pearson(row.renewed, row.worlds, 1 - 0.05 / len(rows))
        counts = (row.fresh, row.unprobed, row.probed, row.renewed)
        entries = [
            row.cell,
            f"{row.worlds:,}",
            *(f"{count / row.worlds:.2%}" for count in counts),
            f"{low:.2%} to {high:.2%}",
            f"{row.calls:.0%}",
            f"{row.invalid / row.worlds:.1%}",
            str(row.probes),
        ]
        lines.append(_line(entries))
    return "\n".join(lines)


def reuse_costs(null: Sequence[Reused], gain: Sequence[Reused]) -> str:
    """What the rule costs in calls where nothing drifted, as a sentence; '' for no rows."""
    if not null or not gain:
        return ""
    spans = [(min(of), max(of)) for of in ([row.calls for row in rows] for rows in (null, gain))]
    (low, high), (least, most) = spans
    return (
        f"What the rule costs: where nothing has drifted it takes {low:.0%} to {high:.0%} of the"
        " calls of a wholly new trial for a candidate that changes nothing, and"
        f" {least:.0%} to {most:.0%} for one that gains 20 points, since all that a YES rests on"
        " is made again."
    )


def _line(entries: Sequence[str]) -> str:
    return "| " + " | ".join(entries) + " |"


def _points(value: float | None) -> str:
    return "" if value is None else f"{value * 100:+.1f}"


def _rival(row: Measured, name: str) -> str:
    rival = row.rivals.get(name)
    return "" if rival is None else f"{rival.rate:.1%} ({rival.calls:.0%} of calls)"
