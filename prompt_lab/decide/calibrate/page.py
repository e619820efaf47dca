"""The page that shows the calibration: tables and pictures of what was measured, nothing else."""

from collections.abc import Mapping, Sequence

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.campaigns import Ledgers
from prompt_lab.decide.calibrate.cells import Cell
from prompt_lab.decide.calibrate.limits import simultaneous
from prompt_lab.decide.calibrate.measure import Measured

OURS = "this engine"
WIDTH, ROW, LEFT = 760, 22, 330


def page(measured: Mapping[str, Measured], ledgers: Mapping[str, Ledgers], command: str) -> str:
    """The page in Markdown. `measured` is by cell name; cells that were not run are left out.

    `ledgers` is by a name in words. Pictures are expected as the files that `pictures` names.
    """
    worlds = sorted({m.worlds for m in measured.values()})
    parts = [
        "# Calibration",
        f"Made by `{command}`. Worlds per cell: {', '.join(f'{w:,}' for w in worlds)}.",
        "## Nothing changed: how often is it kept?",
        "![False keeps](calibration_null.svg)",
        table(chosen(named.NULL, measured)),
        "## Plans that react unevenly",
        "With few plans of which a few lose much, no test keeps its level; the verdict warns.",
        table(chosen(named.SKEWED, measured)),
        "## True differences: power and calls",
        "![Power and calls](calibration_power.svg)",
        table(chosen(named.POWER, measured)),
        "## What each saving saves",
        table(chosen(named.SAVINGS, measured)),
        "## Whole ledgers",
        ledger_table(ledgers),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def pictures(measured: Mapping[str, Measured]) -> dict[str, str]:
    """File name -> SVG."""
    null, power = (chosen(group, measured) for group in (named.NULL, named.POWER))
    return {"calibration_null.svg": rates(null, 0.6), "calibration_power.svg": rates(power, 1.0)}


def chosen(group: Sequence[Cell], measured: Mapping[str, Measured]) -> list[Measured]:
    """The cells of a group that were run, in the group's order."""
    return [measured[c.world.name] for c in group if c.world.name in measured]


def table(rows: Sequence[Measured]) -> str:
    """One row per cell: our rate, interval, calls and claims, beside the other rules' rates."""
    if not rows:
        return ""
    others = list(dict.fromkeys(name for row in rows for name in row.rivals))
    head = ["cell", "kept", "together 95 %", "calls", "claimed", "uncorrected", "warned", *others]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row, (low, high) in zip(rows, simultaneous(rows), strict=True):
        entries = [
            row.cell,
            f"{row.rate:.2%}",
            f"{low:.2%} to {high:.2%}",
            f"{row.calls:.0%}",
            _points(row.claim),
            _points(row.naive),
            "" if row.warned is None else f"{row.warned:.0%}",
            *(_rival(row, name) for name in others),
        ]
        lines.append("| " + " | ".join(entries) + " |")
    return "\n".join(lines)


def ledger_table(ledgers: Mapping[str, Ledgers]) -> str:
    """One row per kind of ledger."""
    head = "| ledgers | number | false share of merges | any false | true found | claim - truth |"
    lines = [head, "|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {s.campaigns} | {s.false_share:.2%} | {s.any_false:.1%} | {s.found:.0%} |"
        f" {_points(s.excess)} |"
        for name, s in ledgers.items()
    ]
    return "\n".join(lines) if ledgers else ""


def rates(rows: Sequence[Measured], top: float) -> str:
    """Dots of the rates kept, a line per cell, on a scale from 0 to `top`."""
    height = ROW * (len(rows) + 2)
    scale = (WIDTH - LEFT - 20) / top
    marks = [f'<line x1="{LEFT + 0.05 * scale:.0f}" x2="{LEFT + 0.05 * scale:.0f}" y1="0"'
             f' y2="{height}" stroke="#888" stroke-dasharray="3"/>']  # fmt: skip
    for at, row in enumerate(rows):
        y = ROW * (at + 1)
        marks.append(f'<text x="4" y="{y + 4}">{_escape(row.cell)}</text>')
        for name, rate in [*((n, r.rate) for n, r in row.rivals.items()), (OURS, row.rate)]:
            fill = "#06c" if name == OURS else "#bbb"
            marks.append(
                f'<circle cx="{LEFT + min(rate, top) * scale:.1f}" cy="{y}" r="5" fill="{fill}">'
                f"<title>{_escape(name)}: {rate:.2%}</title></circle>"
            )
    foot = f"blue: {OURS}; grey: other rules; the line: 5 %; right end: {top:.0%}"
    marks.append(f'<text x="{LEFT}" y="{height - 6}">{foot}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' font-family="sans-serif" font-size="12">{"".join(marks)}</svg>\n'
    )


def _points(value: float | None) -> str:
    return "" if value is None else f"{value * 100:+.1f}"


def _rival(row: Measured, name: str) -> str:
    rival = row.rivals.get(name)
    return "" if rival is None else f"{rival.rate:.1%} ({rival.calls:.0%} of calls)"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
