"""Rows of any two sets of run folders made comparable: one score for all, replicates counted."""

from collections import Counter
from collections.abc import Iterable, Sequence

from prompt_lab.names import Side, Status
from prompt_lab.records import RunRow
from prompt_lab.store.foreign import ENDED


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
