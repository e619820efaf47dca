"""Lines that say what got better, what got worse and what is unchanged."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prompt_lab.analyze.duplicates import Fold, counts, folded, gap
from prompt_lab.analyze.findings import Says
from prompt_lab.analyze.markdown import last_line
from prompt_lab.analyze.model import Duplicates, ErrorKind, Metrics
from prompt_lab.analyze.text_metrics import change, percent, score
from prompt_lab.names import Side

MODELS = 8
LOCK = 0.3
"""An opening phrase whose share changes by at least this much counts as new or gone."""
SMALL = 0.005


class Changed(NamedTuple):
    """One line. `size` in [0, 1] orders the lines."""

    says: Says
    text: str
    size: float


def changes(metrics: Metrics) -> tuple[Changed, ...]:
    """Everything that both sides can be compared on, the largest first."""
    found = [
        *_models(metrics),
        *_errors(metrics),
        *_fields(metrics),
        *_openers(metrics),
        *_repeats(metrics),
        *_copies(metrics),
    ]
    return tuple(sorted(found, key=lambda one: -one.size))


def _models(metrics: Metrics) -> Iterator[Changed]:
    for stats in metrics.models:
        if stats.baseline and stats.candidate:
            before, after = stats.baseline.primary, stats.candidate.primary
            yield Changed(
                _says(after - before),
                f"{stats.model}: {score(before)} → {score(after)} ({change(before, after)})",
                abs(after - before),
            )


def _errors(metrics: Metrics) -> Iterator[Changed]:
    found: dict[tuple[str, str], dict[Side, ErrorKind]] = defaultdict(dict)
    for error in metrics.errors:
        found[error.model, error.kind][error.side] = error
    runs = max(1, sum(cell.n_baseline for cell in metrics.cells))
    for (model, kind), sides in found.items():
        before, after = sides.get(Side.BASELINE), sides.get(Side.CANDIDATE)
        old, new = (one.count if one else 0 for one in (before, after))
        cases = " ".join(
            f"{word}, on {', '.join(one.plans[:3])} ({one.path}): {last_line(one.example, 320)!r}"
            for word, one in (("Before", before), ("After", after))
            if one
        )
        says = _says(old - new)
        yield Changed(says, f"{kind} by {model}: {old} → {new} runs. {cases}", max(old, new) / runs)


def _fields(metrics: Metrics) -> Iterator[Changed]:
    right = {(one.field, one.side): one.right for one in metrics.accuracy if not one.model}
    for field in dict.fromkeys(field for field, _ in right):
        before, after = right.get((field, Side.BASELINE)), right.get((field, Side.CANDIDATE))
        if before is not None and after is not None:
            yield Changed(
                _says(after - before),
                f"{field!r} is right in {percent(before)} → {percent(after)}",
                abs(after - before),
            )


def _openers(metrics: Metrics) -> Iterator[Changed]:
    """One line per opening phrase, with all models that repeat it."""
    same: dict[tuple[str, str, Says], list[Fold]] = defaultdict(list)
    for fold in _shortest(folded(metrics.openers)):
        says: Says = "same" if abs(gap(fold.head)) < LOCK else _says(-gap(fold.head))
        same[fold.head.field, fold.head.phrase.casefold(), says].append(fold)
    for (field, _, says), folds in same.items():
        word = {"better": "went", "worse": "came"}.get(says, "stayed")
        models = "; ".join(map(_fold, folds[:MODELS]))
        yield Changed(
            says,
            f"Opening phrase {folds[0].head.phrase!r} of {field!r} {word}: {models}",
            max(abs(gap(fold.head)) for fold in folds),
        )


def _shortest(folds: Sequence[Fold]) -> list[Fold]:
    """Leave out opening phrases that extend a shorter one of the same model and field."""
    heads = {(one.head.model, one.head.field, one.head.phrase.casefold()) for one in folds}
    return [
        one
        for one in folds
        if not any(
            (model, field) == (one.head.model, one.head.field)
            and one.head.phrase.casefold().startswith(phrase + " ")
            for model, field, phrase in heads
        )
    ]


def _fold(fold: Fold) -> str:
    where = f" on {fold.head.plan}" if fold.head.plan else ""
    plan = f" ({fold.plans[0].plan}: {counts(fold.plans[0])})" if fold.plans else ""
    return f"{fold.head.model}{where} {counts(fold.head)}{plan}"


def _repeats(metrics: Metrics) -> Iterator[Changed]:
    within = [one for one in metrics.duplicates if one.plan]
    across = [one for one in metrics.duplicates if not one.plan]
    for name, groups in (("inside a run", within), ("between plans", across)):
        old, new = (_count(groups, side) for side in Side)
        if old or new:
            text = f"Near-duplicate texts {name}: {old} → {new}"
            yield Changed(_says(old - new), text, abs(old - new) / max(old, new) / 2)


def _count(groups: Sequence[Duplicates], side: Side) -> int:
    return sum(group.count for group in groups if group.side is side)


def _copies(metrics: Metrics) -> Iterator[Changed]:
    left = {side: sum(one.count for one in metrics.placeholders if one.side is side)
            for side in Side}  # fmt: skip
    taken = {side: sum(one.count for one in metrics.copied if one.side is side) for side in Side}
    pairs = (("Placeholders left in", left), ("Texts with words copied from the prompt", taken))
    for name, count in pairs:
        old, new = count[Side.BASELINE], count[Side.CANDIDATE]
        if old or new:
            size = abs(old - new) / max(old, new) / 2
            yield Changed(_says(old - new), f"{name}: {old} → {new}", size)


def _says(gain: float) -> Says:
    if abs(gain) < SMALL:
        return "same"
    return "better" if gain > 0 else "worse"
