"""Field by field against gold, and one side against the other."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from rapidfuzz import fuzz

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import FieldAccuracy, FieldAgreement, Wrong
from prompt_lab.analyze.words import line, tokens, weight
from prompt_lab.names import Side

FREE_TEXT = 12
"""Gold values with more words than this are free text, which is not compared for equality."""
MOST_WRONG = 5
NEVER = 0.1
"""A field that is right less often than this, and whose gold values hardly repeat, is free text
too."""
DISTINCT = 0.5

Values = Mapping[str, Sequence[str]]


class _Judged(NamedTuple):
    gold: str
    got: str
    right: bool
    similarity: float
    origin: str
    path: str


def accuracy(evidence: RunEvidence) -> tuple[FieldAccuracy, ...]:
    """Per side, model ('' for all) and field; fields whose gold is free text are left out."""
    found: dict[tuple[Side, str, str], list[_Judged]] = defaultdict(list)
    golds = _gold_by_plan(evidence)
    for row in evidence.rows:
        gold = golds.get(row.record.plan, {})
        got = evidence.leaves_by_field(row) if gold else {}
        inputs = evidence.input_lines.get(row.record.plan, "")
        for field, wanted in gold.items():
            judged = _judge(wanted, got.get(field, ()), inputs, row.path)
            for model in ("", row.record.model):
                found[row.record.side, model, field].extend(judged)
    invented = _invented(evidence, found)
    credit = _credit(evidence)
    return tuple(
        _accuracy(side, model, field, judged, credit.get((side, model, field)))
        for (side, model, field), judged in found.items()
        if field not in invented
    )


def agreement(evidence: RunEvidence) -> tuple[FieldAgreement, ...]:
    """Per model ('' for all) and field, over the pairs of runs."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for before, after in evidence.pairs:
        left, right = evidence.leaves_by_field(before), evidence.leaves_by_field(after)
        for field in dict.fromkeys((*left, *right)):
            share = _overlap(left.get(field, ()), right.get(field, ()))
            for model in ("", before.record.model):
                found[model, field].append(share)
    return tuple(
        FieldAgreement(model=model, field=field, n=len(shares), same=fmean(shares))
        for (model, field), shares in found.items()
    )


def normal(text: str) -> str:
    """Normalise a value for comparison: case, spaces, and how a number is written.

    >>> normal("1.50") == normal("1.5"), normal(" Straße") == normal("STRASSE")
    (True, True)
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    try:
        return repr(float(plain)) if plain[:1] != "0" or plain[:2] in ("0", "0.") else plain
    except ValueError:
        return plain


def _gold_by_plan(evidence: RunEvidence) -> dict[str, dict[str, list[str]]]:
    golds = _gold_by_field(evidence)
    short = {field for field, texts in golds.items() if not _is_free(texts)}
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for (plan, field), texts in evidence.gold.items():
        if field in short:
            found[plan][field] = texts
    return found


def _gold_by_field(evidence: RunEvidence) -> dict[str, list[str]]:
    by_field: dict[str, list[str]] = defaultdict(list)
    for (_, field), texts in evidence.gold.items():
        by_field[field] += texts
    return by_field


def _invented(
    evidence: RunEvidence, found: Mapping[tuple[Side, str, str], Sequence[_Judged]]
) -> set[str]:
    """Fields of lists whose values every answer words differently; they have no accuracy."""
    right: dict[str, list[bool]] = defaultdict(list)
    for (_, model, field), judged in found.items():
        if not model and "[]" in field:
            right[field] += [one.right for one in judged]
    golds = _gold_by_field(evidence)
    return {
        field
        for field, judged in right.items()
        if fmean(judged) < NEVER and len(set(golds[field])) > DISTINCT * len(golds[field])
    }


def _is_free(texts: Sequence[str]) -> bool:
    return fmean(weight(tokens(text)) for text in texts) > FREE_TEXT


def _judge(wanted: Sequence[str], got: Sequence[str], inputs: str, path: str) -> list[_Judged]:
    """Pair each gold value with one of the answer: equal values first, then the rest."""
    left = list(got)
    judged, open_ = [], []
    for gold in wanted:
        match = next((value for value in left if normal(value) == normal(gold)), None)
        if match is None:
            open_.append(gold)
        else:
            left.remove(match)
            judged.append(_Judged(gold, match, True, 1.0, "right", path))
    for at, gold in enumerate(open_):
        value = left[at] if at < len(left) else ""
        similarity = fuzz.ratio(normal(gold), normal(value)) / 100
        judged.append(_Judged(gold, value, False, similarity, _origin(value, inputs), path))
    return judged


def _origin(value: str, inputs: str) -> str:
    if not value:
        return "missing"
    return "input" if line(tokens(value)) in inputs else "made up"


def _credit(evidence: RunEvidence) -> dict[tuple[Side, str, str], float]:
    """The mean part that the step's scorer gave for a field, where a part is called like it."""
    found: dict[tuple[Side, str, str], list[float]] = defaultdict(list)
    for row in evidence.rows:
        for part, value in row.record.scores.items():
            for model in ("", row.record.model):
                found[row.record.side, model, part].append(value)
    return {key: fmean(values) for key, values in found.items()}


def _accuracy(
    side: Side, model: str, field: str, judged: Sequence[_Judged], credit: float | None
) -> FieldAccuracy:
    origins = Counter(one.origin for one in judged)
    return FieldAccuracy(
        side=side,
        model=model,
        field=field,
        n=len(judged),
        right=fmean(one.right for one in judged),
        credit=credit,
        similarity=fmean(one.similarity for one in judged),
        missing=origins["missing"],
        from_input=origins["input"],
        made_up=origins["made up"],
        wrong=_wrong_values(one for one in judged if not one.right),
    )


def _wrong_values(judged: Iterable[_Judged]) -> tuple[Wrong, ...]:
    paths: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in judged:
        paths[one.gold, one.got].append(one.path)
    most = sorted(paths.items(), key=lambda item: -len(item[1]))[:MOST_WRONG]
    return tuple(
        Wrong(gold=gold, got=got, count=len(where), path=where[0]) for (gold, got), where in most
    )


def _overlap(left: Sequence[str], right: Sequence[str]) -> float:
    before, after = Counter(map(normal, left)), Counter(map(normal, right))
    return (before & after).total() / max(before.total(), after.total())
