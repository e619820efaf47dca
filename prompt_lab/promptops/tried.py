"""What the trial of a round showed of its best variant: tried.json."""

from collections.abc import Iterable
from statistics import fmean, median
from typing import NamedTuple

from prompt_lab.decide.result import Verdict
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows, summary_file
from prompt_lab.experiments.pages import sum_usage
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.rounds import FIX, TRIED, Proposed, TriedVariants
from prompt_lab.promptops.wear import note_confirmation
from prompt_lab.records import LIVE, RunRow
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.store.iterations import FACTS, RunsSummary, read_meta
from prompt_lab.store.prompt_verdicts import CandidateText


def read_trial(run: OptimizerRun, name: str) -> TriedVariants:
    """What the round's iteration said. Writes tried.json. Raises StoreError without a verdict."""
    proposed = run.read_proposed(name)
    if not proposed.sound:
        codes = sorted({code for one in proposed.candidates for code in one.refused})
        text = f"the guard refuses every candidate: {', '.join(codes) or 'none is new'}"
        tried = TriedVariants(when=run.now, outcome=None, text=text)
    else:
        tried = _read_iteration(run, proposed)
    write_record(run.folder(name) / TRIED, tried)
    return tried


def _read_iteration(run: OptimizerRun, proposed: Proposed) -> TriedVariants:
    folder = run.context.lab.iteration(proposed.number, proposed.step)
    verdict = read_record(folder / "verdict.json", Verdict, fix=FIX)
    tried = read_if_whole(folder / FACTS, CandidateText)
    # verdict.json of sealed plans has the figures of the train plans until a person reveals it.
    planned = read_meta(run.context.lab, proposed.number, proposed.step).plans.get(Split.VERIFY, ())
    asked = read_if_whole(folder / summary_file(Split.VERIFY), RunsSummary)
    if asked is not None:
        plans = asked.plans or planned
        note_confirmation(run.context.lab, proposed.prompt_id, folder.name, plans, when=run.now)
    scores = [row.candidate for row in verdict.models]
    experiment = Experiment(run.context, step=proposed.step, number=proposed.number)
    seconds, spent = measure_seconds(compared_rows(experiment, Split.VERIFY)), sum_usage(folder)
    return TriedVariants(
        when=run.now,
        outcome=verdict.outcome,
        score=fmean(scores) if scores else None,
        seconds_before=seconds.baseline,
        seconds_after=seconds.candidate,
        verdict_id=folder.name if verdict.outcome is Outcome.YES else "",
        candidate=tried.sha256 if tried else "",
        text=verdict.reasons[0].text if verdict.reasons else "no reason was recorded",
        effect=verdict.screening.effect if verdict.screening else verdict.effect,
        plans=len(planned),
        alpha=verdict.alpha,
        calls=spent.calls_made,
        usd=spent.cost_usd,
    )


class ArmSeconds(NamedTuple):
    """Median duration of one call in each arm, in seconds; None where no call was timed."""

    baseline: float | None
    candidate: float | None


def measure_seconds(rows: Iterable[RunRow]) -> ArmSeconds:
    """How long the calls of both arms took, by runs that a model answered without an error.

    Runs that were reused were timed under another load: they count only if an arm has no others.
    """
    timed = [row for row in rows if row.record.error is None and _is_live(row)]
    return ArmSeconds(_median_of(timed, Side.BASELINE), _median_of(timed, Side.CANDIDATE))


def _is_live(row: RunRow) -> bool:
    return all(call.origin == LIVE for call in row.record.calls)


def _median_of(rows: Iterable[RunRow], side: Side) -> float | None:
    of_side = [row for row in rows if row.record.side is side]
    fresh = [row for row in of_side if not row.reused]
    seconds = [
        row.record.duration_seconds / max(1, row.record.usage.calls) for row in fresh or of_side
    ]
    return median(seconds) if seconds else None
