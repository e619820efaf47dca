"""The page of rule 3's calibration: tables of what was counted, and the limits that hold or not."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.calibrate.net_gain import LEDGER_WORLDS, RIVAL, LedgerWorld, NetGain
from prompt_lab.decide.calibrate.product import (
    FALSE_MERGES,
    HARMFUL,
    POWER,
    RESUBMITTED,
    SAVING,
    Counted,
    FalseMergeCell,
    PowerCell,
    Resubmission,
    standard_error,
)
from prompt_lab.decide.calibrate.results import FULL_WORLDS, PRODUCT, CellResult, origin

MOST, MOST_HIGH, HARMED = 0.05, 0.06, 0.01
APART = 0.03
"""How far the dry run's table and the calibration may lie apart."""

HEAD = """# Calibration

How often the shipped policies say YES in simulated labs whose truth is known. Every cell runs a
policy end to end: screening on train plans, group-sequential confirmation on sealed plans, every
gate, and the ledger's alpha. `prompt_lab/decide/calibrate/product.py` and `net_gain.py` define the
cells, `prompt_lab/decide/simulated.py` the labs: 0/1 scores with a success rate per plan whose
logit is normal (mean rate 0.6, standard deviation 1), the two sides' noise correlated 0.6 on a
plan, that of models 0.4; graded scores with plan means of 0.2 + 0.6 rate and noise of 0.15,
correlated 0.3; each plan reacts uniformly within 17 points around the mean effect. The figures of
rule 2, which labs from before use, are in [calibration-rule-2.md](calibration-rule-2.md)."""
FALSE = """Candidates that gain nothing on the plans that decide. *p* is the share of single
confirmations that end in YES, *any merge* the chance of at least one in a campaign of 18,
1 - (1 - p)^18. Limit: at most 5 %, its upper 95 % limit at most 6 %. Candidates *tuned* on the
train plans look better there by the given number of points. In the *skewed* rows most plans gain a
little and the others lose much. *Missing not at random*: bad runs of the candidate and good ones of
the baseline go missing. *Resubmission*: 18 confirmations of the best useless candidate so far; the
share of whole campaigns with a merge. Skewed and resubmitted candidates are taken to pass every
screening."""
HARM = """The promise of `no-harm` is about candidates that are worse than its margin of 3 points.
These are exactly 3 points worse, or 5; the limits are the same. A candidate that changes nothing
may pass. `simpler` and `cheaper` test the same margin without asking for a gain; their candidates
have the saving."""
CHANCES = """The share of first trials that end in YES, with 80 plans (20 train, 60 sealed), 200 or
400, a quarter of them train. *Dry run* is the table that a dry run shows for the same lab. Under
`simpler` and `cheaper` the candidate changes no score and has the saving."""
LEDGERS = """Campaigns of at most 5,000 calls on 20 train and 60 sealed plans, at most 18
confirmations; each iteration races four candidates: 60 % change nothing, 20 % lose 5 to 15 points,
20 % gain 3 to 20. *Net gain* is the sum of the true effects of all merges. *Harmed*: campaigns
with a merge that loses more than half a point; *useless*: with one that gains at most half."""


class Sentences(BaseModel):
    """The figures that docs quote, by name; written beside the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counted: dict[str, Counted]
    net: dict[str, NetGain]
    dry_run: dict[str, float] = Field(description="chance of a YES by the dry run's table")


def product_page(
    found: Mapping[str, CellResult], dry_run: Mapping[str, float], command: str
) -> str:
    """The page in Markdown. Cells that were not run are left out."""
    parts = [
        HEAD,
        f"Made by `{command}`:\n\n{origin(found.values())}",
        _verdict(product_faults(found, dry_run)),
        f"## strict: useless candidates\n\n{FALSE}",
        _false_table([*FALSE_MERGES, Resubmission(RESUBMITTED, "strict")], found),
        f"## no-harm, simpler, cheaper: harmful candidates\n\n{HARM}",
        _false_table(HARMFUL, found),
        f"## The chance of a YES\n\n{CHANCES}",
        _power_table(found, dry_run),
        f"## Whole ledgers\n\n{LEDGERS}",
        _net_table(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def sentences(found: Mapping[str, CellResult], dry_run: Mapping[str, float]) -> Sentences:
    """All figures by the names of their cells."""
    return Sentences(
        counted={name: r.counted for name, r in sorted(found.items()) if r.counted},
        net={name: r.net for name, r in sorted(found.items()) if r.net},
        dry_run=dict(sorted(dry_run.items())),
    )


def product_faults(found: Mapping[str, CellResult], dry_run: Mapping[str, float]) -> list[str]:
    """Every limit that the figures contradict, as sentences.

    With few worlds, as in the quick form, a limit is contradicted only if an interval excludes it.
    """
    wrong = []
    for name, cell in PRODUCT.items():
        seen = found.get(name)
        if seen is None:
            continue
        if seen.counted is not None and isinstance(cell, PowerCell):
            wrong += _missed_power(name, cell, seen.counted, dry_run.get(name))
        elif seen.counted is not None:
            wrong += _missed_merges(name, seen.counted)
        if seen.net is not None and isinstance(cell, LedgerWorld):
            wrong += _missed_gain(name, cell, seen.net)
    return wrong


def _missed_merges(name: str, seen: Counted) -> list[str]:
    any_merge, high = seen.any_merge or 0.0, seen.any_high or 0.0
    if RESUBMITTED in name:
        low = seen.low
        many = seen.tried >= 400
    else:
        low, many = 1 - (1 - seen.low) ** 18, seen.tried >= FULL_WORLDS
    limit = MOST_HIGH if RESUBMITTED in name else MOST
    if many and any_merge > limit:
        return [f"{name}: any merge {any_merge:.1%}, at most {limit:.0%} allowed"]
    if many and RESUBMITTED not in name and high > MOST_HIGH:
        return [f"{name}: any merge up to {high:.1%}, at most {MOST_HIGH:.0%} allowed"]
    if not many and low > limit:
        return [f"{name}: any merge at least {low:.1%}, at most {limit:.0%} allowed"]
    return []


def _missed_power(name: str, cell: PowerCell, seen: Counted, dry_run: float | None) -> list[str]:
    few = seen.tried < 4000
    wrong = []
    if cell.least is not None and (seen.high if few else seen.rate) < cell.least:
        wrong.append(f"{name}: YES in {seen.rate:.1%}, at least {cell.least:.0%} wanted")
    slack = 3 * standard_error(seen) if few else 0.0
    if dry_run is not None and abs(dry_run - seen.rate) > APART + slack:
        wrong.append(f"{name}: the dry run says {dry_run:.1%}, counted were {seen.rate:.1%}")
    return wrong


def _missed_gain(name: str, cell: LedgerWorld, seen: NetGain) -> list[str]:
    few = seen.campaigns < 240
    gain = seen.gain + (2 * seen.error if few else 0.0)
    wrong = []
    if cell.least is not None and gain < cell.least:
        wrong.append(f"{name}: net gain {seen.gain * 100:+.1f}, at least {cell.least * 100:+.0f}")
    if cell.rule == "policy" and cell.policy == "strict" and not few and seen.harmed > HARMED:
        wrong.append(f"{name}: harmful merges in {seen.harmed:.1%} of the campaigns")
    return wrong


def _verdict(wrong: Sequence[str]) -> str:
    if not wrong:
        return "Every limit that the tables name holds."
    return "**These limits do not hold:**\n\n" + "\n".join(f"- {fault}" for fault in wrong)


def _false_table(
    cells: Sequence[FalseMergeCell | Resubmission], found: Mapping[str, CellResult]
) -> str:
    rows = []
    for cell in cells:
        result = found.get(f"{cell.policy}: {cell.name}")
        if result is None or result.counted is None:
            continue
        seen = result.counted
        shown = f"{cell.policy}: {cell.name}" if cell.policy in SAVING else cell.name
        rows.append(
            f"| {shown} | {seen.tried:,} | {seen.rate:.3%} | {seen.any_merge or 0:.1%} |"
            f" {seen.any_high or 0:.1%} |"
        )
    return _table("| cell | tried | p | any merge | upper limit |", rows)


def _power_table(found: Mapping[str, CellResult], dry_run: Mapping[str, float]) -> str:
    rows = []
    for cell in POWER:
        name = f"{cell.policy}: {cell.name}"
        result = found.get(name)
        if result is None or result.counted is None:
            continue
        seen = result.counted
        rows.append(
            f"| {cell.name} | {cell.policy} | {seen.screened:.0%} | {seen.rate:.1%} |"
            f" {seen.low:.1%} to {seen.high:.1%} | {dry_run.get(name, 0):.1%} |"
            f" {'' if cell.least is None else format(cell.least, '.0%')} |"
        )
    head = "| true gain | policy | screened | YES | 95 % interval | dry run | at least |"
    return _table(head, rows)


def _net_table(found: Mapping[str, CellResult]) -> str:
    rows = []
    for world in (*LEDGER_WORLDS, RIVAL):
        result = found.get(f"{world.policy}: {world.name}")
        if result is None or result.net is None:
            continue
        seen = result.net
        policy = world.policy if world.rule == "policy" else world.rule
        rows.append(
            f"| {world.name.removeprefix('ledger, ')} | {policy} | {seen.campaigns} |"
            f" {seen.gain * 100:+.1f} ± {seen.error * 200:.1f} |"
            f" {'' if world.least is None else format(world.least * 100, '+.0f')} |"
            f" {seen.harmed:.1%} | {seen.useless:.1%} | {seen.merges:.1f} |"
            f" {seen.confirmations:.1f} |"
        )
    head = (
        "| world | rule | campaigns | net gain | at least | harmed | useless | merges |"
        " confirmations |"
    )
    return _table(head, rows)


def _table(head: str, rows: Iterable[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows])
