"""The synthesis: the analysts' findings compared, and the five directions that follow."""

from collections.abc import Sequence

from pydantic import ValidationError

from prompt_lab.analyze.check_claims import check_claims
from prompt_lab.analyze.directions import ALIGN, for_strategies
from prompt_lab.analyze.directions_always import always
from prompt_lab.analyze.directions_open import for_people
from prompt_lab.analyze.failure_modes import FailureMode, merge_modes, modes_of, modes_told
from prompt_lab.analyze.findings import Views
from prompt_lab.analyze.markdown import (
    json_block,
    label,
    last_json_block,
    page,
    plain_line,
    section,
    table,
)
from prompt_lab.analyze.memory import Tried, remembered, standing
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.needs import needs
from prompt_lab.analyze.reconcile import (
    agreed,
    claims_of,
    disputed,
    single_analyst_findings,
    took_part,
)
from prompt_lab.analyze.synthesis_model import FIVE, Participant, SynthesisRecord
from prompt_lab.analyze.text_metrics import score
from prompt_lab.errors import StoreError
from prompt_lab.names import Outcome
from prompt_lab.records import Direction

MOST = 12


def render_synthesis(synthesis: SynthesisRecord) -> str:
    """The page. `parse_synthesis` gives an equal record back."""
    return page(
        "# Synthesis",
        label(synthesis.recorded),
        f"The next iteration starts from the {synthesis.side}'s failures: score "
        f"{score(synthesis.score)}.",
        section("Analysts", _participants(synthesis)),
        section("Where they agree", _render_list(synthesis.agree)),
        section("Where they disagree", _render_list(synthesis.disagree)),
        section("Contradicted by the numbers", _render_list(synthesis.contradicted)),
        section("What only one analyst says", _render_list(synthesis.alone)),
        section("What was tried before", _render_list(synthesis.remembered)),
        section("Known failure modes", modes_told(synthesis.failure_modes)),
        section("Five directions", *map(_direction, enumerate(synthesis.directions, start=1))),
        section("Set aside", _render_list(synthesis.set_aside)),
        section("Record", json_block(synthesis.model_dump_json(indent=1))),
    )


def parse_synthesis(text: str, *, where: str = "synthesis.md") -> SynthesisRecord:
    """The record of a page. Raises StoreError, which names `where`, if there is none that fits."""
    body = last_json_block(text)
    if body is None:
        raise StoreError(
            f"{where} has no ```json block with a synthesis. Delete the file and run Synthesis "
            "again to have it written again."
        )
    try:
        return SynthesisRecord.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the block"
        raise StoreError(
            f"{where}: the ```json block is no synthesis: {place!r}: {first['msg']}. Delete the "
            "file and run Synthesis again to have it written again."
        ) from error


def _direction(item: tuple[int, Direction]) -> str:
    number, direction = item
    by = f"strategy {direction.strategy}" if direction.strategy else "a person or an agent"
    evidence = "\n".join(f"  - {plain_line(one, 300)}" for one in direction.evidence)
    return (
        f"### {number}. {plain_line(direction.title, 200)}\n\n"
        f"- Why: {plain_line(direction.why, 600)}\n"
        f"- Evidence:\n{evidence}\n"
        f"- Expected: {plain_line(direction.expected, 300)}\n"
        f"- Carried out by: {plain_line(by)}\n"
        f"- Weight: {direction.rank_score:.2f}"
    )


def _participants(synthesis: SynthesisRecord) -> str:
    rows = [(plain_line(one.analyst), one.insight, one.review) for one in synthesis.took_part]
    return table(("analyst", "insight", "review"), rows)


def _render_list(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {plain_line(one, 400)}" for one in lines[:MOST])


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
    """Reconcile the analysts and rank five directions; `available` are the available strategies.

    The order follows the metrics. A direction that was decided before is set aside unless there
    is new evidence. A change whose verdict is open belongs into `tried` with the outcome None; the
    newest of all is the iteration that this is about. `known` are the step's failure modes so far.
    A claim that the numbers contradict is listed as such, and used for nothing else.
    """
    answered = took_part(findings, reviews)
    findings, refuted = check_claims(findings, metrics)
    reviews, refuted_reviews = check_claims(reviews, metrics)
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
        took_part=answered,
        agree=agreed(claims),
        disagree=disputed(claims),
        contradicted=(*refuted, *refuted_reviews),
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
        free, reason = standing(direction, tried)
        if free:
            why = f"{direction.why} {reason}".strip()
            kept.append(direction.model_copy(update={"why": why}))
        else:
            aside.append(f"{direction.title}: {reason}")
    return sorted(kept, key=lambda one: -one.rank_score), aside
