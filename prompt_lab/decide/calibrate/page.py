"""The page that shows the calibration: tables and pictures of what was measured, nothing else."""

from collections.abc import Mapping
from textwrap import fill

from prompt_lab.decide.calibrate import cells as named
from prompt_lab.decide.calibrate.measure import Measured
from prompt_lab.decide.calibrate.picture import Scale, picture
from prompt_lab.decide.calibrate.results import CellResult, origin
from prompt_lab.decide.calibrate.reuse import Reused
from prompt_lab.decide.calibrate.series import (
    ALPHA,
    ENOUGH,
    SERIES,
    missed,
    missed_by_reuse,
    missed_by_series,
)
from prompt_lab.decide.calibrate.tables import (
    chosen,
    ledger_table,
    reuse_costs,
    reuse_table,
    table,
)

HEAD = """# Calibration of rule 2

Rule 2 decides labs whose policy names no rule, or 2; [calibration.md](calibration.md) is about
rule 3.

Simulated trials with a known true effect ("worlds"), decided by the functions that decide real
trials. *Kept* is the share of worlds that end in 'better'; its 95 % interval holds for all cells
of a table together. *Calls* is the mean share of the planned calls that were made. *Claimed* and
*uncorrected* are means, in points, over the first kept worlds; *warned* is the share of those
whose verdict warns of uneven plans. The other columns show common rules on the same worlds. Wald's
test knows the true effect, which no user knows: it is the best possible. `cells.py` and
`series.py` in `prompt_lab/decide/calibrate/` define the cells."""
SKEWED = """If there are few plans and some of them lose much, no test keeps its level. The verdict
then has a warning (*warned*). The anytime mode needs no symmetry and can be used instead."""
NULL = """No candidate in this table changes anything, so each kept one is a false merge. The
dashed line is 5 %."""
REAL = """Resampled real scores: each plan of a world is drawn from a pool, together with the
scores of all its models, so that these depend on each other as in reality. `invoices` is the
embedded model on 60 plans of the example, at temperature 0 and 0.7, with the prompts of a baseline
and a candidate. `planexe` is seven models on five plans of the public PlanExe-prompt-lab; the
score is the share of a step's calls that succeeded, and a run is an iteration of that lab. *Twice*
compares two runs of the same side. *Swapped* exchanges the two sides at random, plan by plan.
Neither has a true difference, so the limit of the table above applies here too. The pools and
their sources are in `prompt_lab/decide/calibrate/data/`."""
REAL_POWER = "The real sides: the pool's own difference is the true effect, so keeping is correct."
REUSED = """The candidate is run today and compared with the baseline's answers of an earlier day;
since then the model's mean score has changed by the given number of points. Three methods are
compared with *made again*, where the whole baseline is run again. *No probe* trusts old answers.
*Probe only* runs a quarter of the plans again, at least 8 of each model, and ends as INVALID if
these show a drift at level 0.01, divided among the models. *By the rule* is what a trial does.
These probes replace the old answers. As soon as the trial says 'better', all old answers of the
plans so far are made again, and the trial is computed again; it continues if the result is no
longer clear. A trial that ends otherwise while it still uses old answers is *INVALID* if the
answers made again show a drift. *Calls* are the candidate's calls and those of the baseline made
again, as a share of all calls of a completely new trial. An INVALID trial must be run again; this
is not counted."""
REUSED_NULL = """The candidate changes nothing, so the limit of the first table applies to the
rule. Probes alone are not sufficient: they are only a part of the evidence and are tested at a
much stricter level than the comparison. A drift of 5 or 10 points makes the comparison say
'better', but probes mostly do not detect it."""
REUSED_GAIN = """The candidate is better than today's baseline by 20 points, so keeping is correct.
It has to be better twice, with the old answers and without them, which lowers the power. A
downward drift hides the gain while the old answers are used: a YES is reliable, a NO only as far
as probes detect the drift."""
LEDGERS = """Many candidates, one after another, on one set of 200 plans, with the baseline's
answers reused. The share of false merges is a mean over the ledgers; it is 0 if nothing was
merged."""
FULL = "make calibrate"
"""The command of the full run, as its page names it."""


def page(results: Mapping[str, CellResult], command: str) -> str:
    """The page in Markdown. Cells that were not run are left out; `pictures` names its pictures."""
    cells = {name: r.measured for name, r in results.items() if r.measured}
    ledgers = {name: r.ledgers for name, r in results.items() if r.ledgers}
    reused = {name: r.reused for name, r in results.items() if r.reused}
    parts = [
        HEAD,
        f"Made by `{command}`:\n\n{origin(results.values())}",
        _worlds(cells),
        _limits(results),
        f"## Nothing changed: how often is it kept?\n\n{NULL}",
        "![False keeps by cell and rule](calibration/null.svg)",
        table(chosen(named.NULL, cells)),
        f"## Real scores, drawn again\n\n{REAL}",
        table(chosen(named.REAL_NULL, cells)),
        REAL_POWER,
        table(chosen(named.REAL, cells)),
        f"## Plans that react unevenly\n\n{SKEWED}",
        table(chosen(named.SKEWED, cells)),
        "## True differences: power and calls",
        "![Power by cell and rule](calibration/power.svg)",
        "![Mean calls by cell and rule](calibration/calls.svg)",
        table(chosen(named.POWER, cells)),
        "## What each saving saves",
        table(chosen(named.SAVINGS, cells)),
        f"## A reused baseline whose model has drifted\n\n{REUSED}",
        *_reuse(reused),
        f"## Whole ledgers\n\n{LEDGERS}",
        ledger_table(ledgers),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def is_full(text: str) -> bool:
    """Whether a page that was written earlier holds the figures of the full run."""
    return f"Made by `{FULL}`:" in text or f"Made by `{FULL} RULE=2`:" in text


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
    for reuse in named.REUSED:
        seen = results.get(reuse.world.name)
        found += missed_by_reuse(reuse, seen.reused) if seen and seen.reused else []
    for series in SERIES:
        seen = results.get(series.name)
        found += missed_by_series(series, seen.ledgers) if seen and seen.ledgers else []
    return found


def _reuse(seen: Mapping[str, Reused]) -> list[str]:
    null, gain = chosen(named.REUSED, seen), chosen(named.REUSED_GAIN, seen)
    steady = [[row for row in rows if not row.shift] for rows in (null, gain)]
    told = " ".join(part for part in (REUSED_NULL, reuse_costs(*steady)) if part)
    return [fill(told, 100), reuse_table(null), REUSED_GAIN, reuse_table(gain)]


def _worlds(cells: Mapping[str, Measured]) -> str:
    null = {row.worlds for row in chosen(named.NULL, cells)}
    if not null or min(null) >= ENOUGH:
        return ""
    return (
        f"These are the figures of the quick check: {min(null):,} worlds in each cell without a"
        f" difference, as the tables say. `{FULL}` measures {ENOUGH:,}."
    )


def _limits(results: Mapping[str, CellResult]) -> str:
    wrong = faults(results)
    seen = [r.measured or r.reused for r in results.values()]
    few = min((of.worlds for of in seen if of), default=0)
    way = "plain rates" if few >= ENOUGH else "rates, by their intervals where worlds are few"
    if not wrong:
        return f"Every limit that the cells and ledgers name holds ({way})."
    return "**These limits do not hold:**\n\n" + "\n".join(f"- {fault}" for fault in wrong)
