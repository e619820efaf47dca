"""Whether anyone answered: where no model did, on a whole side, nothing can be compared."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.errors import InputTruncated
from prompt_lab.evaluate.evidence import NOTHING_RAN
from prompt_lab.names import Side, Status
from prompt_lab.records import RunRecord, RunRow
from prompt_lab.store.planexe.runs import ENDED

BROKEN = frozenset({"import_failed", "outputs_missing", "score_failed"})
"""Kinds of errors that are the step's own, whatever a model says."""
TIME_LIMIT = "time_limit"
MOST_TRUNCATED = 0.1
"""The share of a side's runs with a truncated input beyond which there is no verdict."""
REFUSED = 400
"""The HTTP status from which on a response holds no answer."""


class UnansweredRuns(NamedTuple):
    """Why runs are no evidence: what is said of them, whose models, and one of them."""

    text: str
    models: tuple[str, ...]
    first: RunRow


def unanswered(record: RunRecord) -> bool:
    """Whether a model was asked and none of the run's calls was answered, however the run ended.

    A refusal of the very request is an answer. A step in our own process leaves no notes of its
    calls: of its runs those count whose time was up before the first answer.
    """
    if record.calls:
        return not any(call.answered_by for call in record.calls)
    late = record.error is not None and record.error.kind == TIME_LIMIT
    return late and record.usage.calls > record.usage.calls_succeeded == 0


def has_answer(record: RunRecord) -> bool:
    """Whether a model answered a call of the run, be the answer good or bad.

    A refused request is no answer. A run of a step in its own process without any call has one if
    it ended without an error.
    """
    if record.calls:
        return any(call.answered_by and 0 < call.status < REFUSED for call in record.calls)
    return record.valid or record.usage.calls_succeeded > 0


def no_answer_to_measure(rows: Sequence[RunRow]) -> UnansweredRuns | None:
    """Why runs of the baseline alone show nothing of its noise, or None.

    A model must have answered two runs of one plan, where a plan has two, and some answer must be
    usable.
    """
    groups: dict[str, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(row.record.model, []).append(row)
    for model, of in sorted(groups.items()):
        answered = [row for row in of if has_answer(row.record)]
        first = next((row for row in of if not has_answer(row.record)), of[0])
        if not answered:
            return UnansweredRuns(
                f"No call of {model} was answered in any of its {len(of)} runs", (model,), first
            )
        if _most_of_a_plan(of) > 1 >= _most_of_a_plan(answered):
            text = f"{model} answered {len(answered)} of {len(of)} runs, and no plan twice"
            return UnansweredRuns(text, (model,), first)
    if rows and not any(row.record.valid for row in rows):
        text = f"None of {len(rows)} answers of {', '.join(sorted(groups))} could be used"
        return UnansweredRuns(text, tuple(sorted(groups)), rows[0])
    return None


def _most_of_a_plan(rows: Sequence[RunRow]) -> int:
    return max(Counter(row.record.plan for row in rows).values())


def nobody_answered(rows: Sequence[RunRow]) -> UnansweredRuns | None:
    """The first side of a model of which no run had an answer; None where each had one."""
    groups: dict[tuple[str, Side], list[RunRow]] = {}
    for row in rows:
        groups.setdefault((row.record.model, row.record.side), []).append(row)
    for (model, side), of in sorted(groups.items()):
        if all(unanswered(row.record) for row in of):
            text = f"No call of {model} was answered in any of its {len(of)} {side.value} runs"
            return UnansweredRuns(text, (model,), of[0])
    return None


def many_truncated(rows: Sequence[RunRow]) -> UnansweredRuns | None:
    """Why no verdict can come of rows whose input often did not reach the model whole, if so."""
    for side in Side:
        of = [row for row in rows if row.record.side is side]
        cut = [row for row in of if _kind_of(row) == InputTruncated.kind]
        if cut and len(cut) > MOST_TRUNCATED * len(of):
            text = (
                f"{len(cut)} of {len(of)} {side.value} runs have an input that is longer than the"
                " model's context (input_truncated)"
            )
            models = tuple(sorted({row.record.model for row in cut}))
            return UnansweredRuns(text, models, cut[0])
    return None


def nothing_to_compare(rows: Sequence[RunRow]) -> UnansweredRuns | None:
    """Why the rows of both sides show nothing of a change, if so."""
    if cut := many_truncated(rows):
        return cut
    models = tuple(sorted({row.record.model for row in rows}))
    if rows and not any(row.record.valid for row in rows):
        text = f"None of {len(rows)} answers of {', '.join(models)} could be used, on either side"
        return UnansweredRuns(text, models, rows[0])
    base = [row for row in rows if row.record.side is Side.BASELINE]
    if base and all(_is_step_failure(row.record) for row in base):
        text = f"All {len(base)} baseline runs failed in the step itself, whatever was answered"
        return UnansweredRuns(text, models, base[0])
    return nobody_answered(rows)


def silent(rows: Sequence[RunRow]) -> tuple[Reason, ...]:
    """The same as a finding that voids a comparison; () where there is something to compare."""
    found = nothing_to_compare(rows)
    if found is None:
        return ()
    facts = {"finding": NOTHING_RAN, "example": found.first.path}
    return (Reason(code=Code.OTHER, text=f"{found.text}.", facts=facts),)


def explain_error(row: RunRow) -> str:
    """What a run says of its error, and what the vendor or the gateway said to its last call."""
    record = row.record
    said = [record.error.summary] if record.error else []
    said += [call.error for call in record.calls[-1:] if call.error]
    return "; ".join(said) or "invalid"


def told_unanswered(rows: Sequence[RunRow], *, sealed: bool = False) -> str:
    """One line about runs without any answer, which count as errors; '' where there is none.

    Of `sealed` plans it gives their number alone, of both sides together.
    """
    lost = [row.record for row in rows if unanswered(row.record)]
    if not lost:
        return ""
    if sealed:
        return f"{len(lost)} of {len(rows)} runs on sealed plans had no answer."
    first, more = lost[0], ", …" if len(lost) > 1 else ""
    why = first.calls[-1].error if first.calls else first.error.message if first.error else ""
    return (
        f"{len(lost)} of {len(rows)} runs had no answer and are judged as they ended"
        f" ({first.side.value}, {first.model}, {first.plan}: {' '.join(why.split())[:200]}{more})."
    )


def _kind_of(row: RunRow) -> str:
    return row.record.error.kind if row.record.error else ""


def _is_step_failure(record: RunRecord) -> bool:
    return record.error is not None and record.error.kind in BROKEN


def by_ended(rows: Iterable[RunRow]) -> list[RunRow]:
    """The same rows with ENDED as their only score."""
    return [_scored(row, float(row.record.status is Status.OK)) for row in rows]


def number_replicates(rows: Sequence[RunRow]) -> list[RunRow]:
    """The same rows, each with its place among the runs of its side, model and plan as replicate.

    Two run folders of one model in a range are two replicates, whatever they called themselves.
    """
    seen: Counter[tuple[Side, str, str]] = Counter()
    found = []
    for row in rows:
        key = (row.record.side, row.record.model, row.record.plan)
        record = row.record.model_copy(update={"replicate": seen[key]})
        seen[key] += 1
        found.append(row.model_copy(update={"record": record}))
    return found


def texts_on_both(rows: Sequence[RunRow]) -> tuple[list[RunRow], tuple[str, ...]]:
    """The same rows without the texts of models that left texts on one side only, and these models.

    Texts that were thrown away on one side would else look like a habit that came or went.
    """
    kept: dict[str, set[Side]] = {}
    for row in rows:
        if row.outputs:
            kept.setdefault(row.record.model, set()).add(row.record.side)
    there = {row.record.side for row in rows}
    alone = tuple(model for model, sides in kept.items() if sides != there)
    bare = [row.model_copy(update={"outputs": {}}) for row in rows]
    pairs = zip(rows, bare, strict=True)
    return [none if row.record.model in alone else row for row, none in pairs], alone


def _scored(row: RunRow, value: float) -> RunRow:
    scores = {"scores": {ENDED: value}, "primary": value}
    return row.model_copy(update={"record": row.record.model_copy(update=scores)})
