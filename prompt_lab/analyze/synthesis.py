"""The analysts' views side by side, and the five ways forward that follow from them."""

from collections.abc import Sequence

from prompt_lab.analyze.directions import ALIGN, for_strategies
from prompt_lab.analyze.directions_always import always
from prompt_lab.analyze.directions_open import for_people
from prompt_lab.analyze.findings import Views
from prompt_lab.analyze.memory import Tried, remembered, standing
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.modes import FailureMode, merge_modes, modes_of
from prompt_lab.analyze.needs import needs
from prompt_lab.analyze.reconcile import agreed, single_analyst_findings, claims_of, disputed, took_part
from prompt_lab.analyze.synthesis_model import FIVE, Participant, SynthesisRecord
from prompt_lab.analyze.synthesis_page import parse_synthesis, render_synthesis
from prompt_lab.names import Outcome
from prompt_lab.records import Direction

__all__ = [
    "Participant",
    "SynthesisRecord",
    "Tried",
    "first_directions",
    "parse_synthesis",
    "render_synthesis",
    "synthesise",
]


def synthesise(
    findings: Views,
    reviews: Views,
    metrics: Metrics,
    tried: Sequence[Tried],
    available: Sequence[str],
    *,
    known: Sequence[FailureMode] = (),
) -> SynthesisRecord:
    """Reconcile the analysts and rank five directions; `available` are the strategies at hand.

    The order follows the metrics. A direction that was decided before is set aside unless there
    is new evidence. A change whose verdict is open belongs into `tried` with the outcome None; the
    newest of all is the iteration that this is about. `known` are the step's failure modes so far.
    """
    own = needs(metrics)
    objections = [one for view in reviews.values() for one in view or ()]
    others = single_analyst_findings(findings, reviews)
    words_first = ALIGN in available and not _decided(ALIGN, tried)
    found = [
        *for_strategies(metrics, own, available, words_first=words_first, reviews=objections),
        *for_people(metrics, own, objections, others),
    ]
    ranked, aside = _ranked(found, list(always(metrics, own)), tried)
    number = max((one.iteration for one in tried), default=0)
    claims = claims_of(findings, reviews)
    return SynthesisRecord(
        side=own.side,
        score=own.primary,
        recorded=metrics.recorded,
        took_part=took_part(findings, reviews),
        agree=agreed(claims),
        disagree=disputed(claims),
        alone=tuple(f"{analyst}: {one.text}" for analyst, one in others),
        remembered=remembered([one for one in tried if one.outcome is not None]),
        failure_modes=merge_modes(known, modes_of(findings, own.side, number), number),
        directions=tuple(ranked[:FIVE]),
        set_aside=tuple(aside),
    )


def first_directions(
    metrics: Metrics, tried: Sequence[Tried], available: Sequence[str]
) -> SynthesisRecord:
    """The same from runs of the baseline alone, before there is any candidate or analyst."""
    return synthesise({}, {}, metrics, tried, available)


def _decided(strategy: str, tried: Sequence[Tried]) -> bool:
    return any(
        one.strategy == strategy and one.outcome not in (None, Outcome.INVALID) for one in tried
    )


def _ranked(
    found: Sequence[Direction], always: Sequence[Direction], tried: Sequence[Tried]
) -> tuple[list[Direction], list[str]]:
    """The directions that may be tried, and those that may not; `always` change no prompt."""
    kept: list[Direction] = [*always]
    aside: list[str] = []
    for direction in found:
        free, told = standing(direction, tried)
        if free:
            why = f"{direction.why} {told}".strip()
            kept.append(direction.model_copy(update={"why": why}))
        else:
            aside.append(f"{direction.title}: {told}")
    return sorted(kept, key=lambda one: -one.rank_score), aside
