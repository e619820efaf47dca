"""How long outputs are, in characters, so that it means the same in every language."""

from collections import defaultdict
from statistics import fmean

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import LengthRatio
from prompt_lab.names import Side
from prompt_lab.records import RunRow

_Sizes = dict[Side, list[float]]


def lengths(evidence: RunEvidence) -> tuple[LengthRatio, ...]:
    """Per model and field, the whole output first. Runs without any output are left out.

    The sides are compared on pairs that both have an output, where there are two sides.
    """
    chars: dict[tuple[str, str], _Sizes] = defaultdict(lambda: defaultdict(list))
    items: dict[tuple[str, str], _Sizes] = defaultdict(lambda: defaultdict(list))
    gold: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in _paired_rows(evidence):
        record = row.record
        for field, texts in _by_field(evidence, row).items():
            chars[record.model, field][record.side].append(sum(map(len, texts)))
            items[record.model, field][record.side].append(len(texts))
        for field in (key[1] for key in evidence.gold if key[0] == record.plan):
            wanted = evidence.gold[record.plan, field]
            gold[record.model, field].append(sum(map(len, wanted)))
    found = [_ratio(key, sizes, items[key], gold.get(key, [])) for key, sizes in chars.items()]
    return tuple(sorted(found, key=lambda one: (one.model, one.field)))


def _paired_rows(evidence: RunEvidence) -> list[RunRow]:
    if len(evidence.sides) < 2:
        return [row for row in evidence.rows if row.outputs]
    return [
        row
        for pair in evidence.pairs
        if pair.baseline.outputs and pair.candidate.outputs
        for row in pair
    ]


def _by_field(evidence: RunEvidence, row: RunRow) -> dict[str, list[str]]:
    return {"": list(row.outputs.values()), **evidence.leaves_by_field(row)}


def _ratio(key: tuple[str, str], chars: _Sizes, items: _Sizes, gold: list[float]) -> LengthRatio:
    before, after = _mean(chars.get(Side.BASELINE)), _mean(chars.get(Side.CANDIDATE))
    wanted = _mean(gold)
    return LengthRatio(
        model=key[0],
        field=key[1],
        baseline_chars=before,
        candidate_chars=after,
        gold_chars=wanted,
        baseline_items=_mean(items.get(Side.BASELINE)),
        candidate_items=_mean(items.get(Side.CANDIDATE)),
        ratio=_over(after, before),
        baseline_to_gold=_over(before, wanted),
        candidate_to_gold=_over(after, wanted),
    )


def _mean(numbers: list[float] | None) -> float | None:
    return fmean(numbers) if numbers else None


def _over(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
