"""Compare any two ranges of run folders of a lab with the analyst `metrics`."""

from pathlib import Path
from typing import NamedTuple

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.decide.verdict import Policy, Verdict, decide
from prompt_lab.errors import ConfigError, LabError, StoreError
from prompt_lab.evaluate.answered import by_ended, number_replicates, texts_on_both
from prompt_lab.evaluate.pairs import pairs_of, whole_pairs
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Side, Split
from prompt_lab.report.compare import (
    Comparison,
    render_compared_assessment,
    render_compared_insight,
    render_compared_summary,
)
from prompt_lab.report.view import OddFolder
from prompt_lab.store.counters import Claim, iterations
from prompt_lab.store.files import read_if_whole, write_text
from prompt_lab.store.planexe.runs import ENDED, ForeignRunFolder, read_batch_of
from prompt_lab.store.ranges import Range, folders_of, parse_range
from prompt_lab.store.sealed import is_sealed

POLICY = Policy(name="compare", mode="fixed", verify="off")
Sides = dict[Side, list[ForeignRunFolder]]


class Compared(NamedTuple):
    """Two ranges of run folders, measured and decided."""

    about: Comparison
    metrics: Metrics
    verdict: Verdict


def compare(ctx: LabContext, before: str, after: str) -> str:
    """Write both documents about two ranges. Returns the screen. Raises LabError for bad ranges."""
    compared, metrics, verdict = measure_ranges(ctx, before, after)
    goal = _goal(ctx, compared)
    write_text(goal / "insight_metrics.md", render_compared_insight(metrics, compared))
    write_text(goal / "assessment.md", render_compared_assessment(metrics, verdict, compared))
    screen = render_compared_summary(metrics, verdict, compared)
    return f"{screen}\n  written   {goal}/assessment.md, insight_metrics.md"


def measure_ranges(ctx: LabContext, before: str, after: str) -> Compared:
    """Measure and decide two ranges without writing. Raises LabError for bad ranges."""
    one, two = parse_range("--before", before), parse_range("--after", after)
    if max(one.first, two.first) <= min(one.last, two.last):
        raise ConfigError([f"--before {one} and --after {two} overlap: no run is on both sides"])
    sides = {
        Side.BASELINE: _read(ctx, "--before", one, Side.BASELINE),
        Side.CANDIDATE: _read(ctx, "--after", two, Side.CANDIDATE),
    }
    step = _one_step(sides)
    batches = [batch for some in sides.values() for batch in some]
    ours = all(batch.scored for batch in batches if batch.rows)
    read = number_replicates([row for batch in batches for row in batch.rows])
    rows, alone = texts_on_both(read if ours else by_ended(read))
    if not whole_pairs(rows):
        raise StoreError(f"--before {one} and --after {two} share no model with a plan: no pair.")
    compared = Comparison(
        before=str(one),
        after=str(two),
        step=step,
        score=_primary(ctx, step) if ours else ENDED,
        ours=ours,
        textless=alone,
        irregular=tuple(OddFolder(path=b.path, faults=b.faults) for b in batches if b.faults),
    )
    metrics = measure(rows, {}, compared.score)
    return Compared(compared, metrics, decide(pairs_of(rows), POLICY))


def _goal(ctx: LabContext, compared: Comparison) -> Path:
    return ctx.lab.root / "compare" / f"{compared.before}_{compared.after}"


def _read(ctx: LabContext, flag: str, wanted: Range, side: Side) -> list[ForeignRunFolder]:
    folders = folders_of(ctx.lab, flag, wanted)
    for folder in folders:
        _check_not_sealed(ctx, flag, folder)
    batches = [read_batch_of(ctx.lab, folder, side) for folder in folders]
    if not any(batch.rows for batch in batches):
        raise StoreError(f"{flag} {wanted}: these run folders contain no record of a run.")
    return batches


def _check_not_sealed(ctx: LabContext, flag: str, folder: Path) -> None:
    """Raises StoreError for runs on sealed plans whose figures were not revealed."""
    claim = read_if_whole(folder / "meta.json", Claim)
    if claim is None or claim.batch != Split.VERIFY:
        return
    step = iterations(ctx.lab).get(claim.iteration)
    if step is not None and is_sealed(ctx.lab.iteration(claim.iteration, step)):
        raise StoreError(
            f"{flag}: {ctx.lab.relative(folder)} holds runs on sealed plans of iteration"
            f" {claim.iteration}: name other run folders, or show these figures with"
            f" `prompt-lab reveal --number {claim.iteration}`, which ends the plans' use as a test."
        )


def _one_step(sides: Sides) -> str:
    """The step of all run folders. Raises StoreError where they are of several."""
    found: dict[str, str] = {}
    for batch in (batch for some in sides.values() for batch in some):
        found.setdefault(batch.step, batch.path)
    if len(found) > 1:
        listing = ", ".join(f"{path} of {step!r}" for step, path in found.items())
        raise StoreError(f"The ranges hold runs of several steps ({listing}): compare one step.")
    return next(iter(found))


def _primary(ctx: LabContext, step: str) -> str:
    """The name of the score that the step is judged by; a step without a config has none."""
    try:
        return ctx.step(step).primary
    except LabError:
        return "primary"
