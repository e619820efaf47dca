"""The tables of the analyst's pages about what the answers say."""

from collections.abc import Iterable

from prompt_lab.analyze.duplicates import counts, folded, inner
from prompt_lab.analyze.markdown import most, page, plain_line, table
from prompt_lab.analyze.model import FieldAccuracy, Metrics, SharedWords
from prompt_lab.analyze.text_metrics import count, percent, times
from prompt_lab.names import Side

ROWS = 20
PLANS = 5


def fields(metrics: Metrics) -> str:
    """Every field against gold, before and after, over all models, and kinds of wrong values."""
    known = {(one.field, one.side): one for one in metrics.accuracy if not one.model}
    agree = {one.field: one for one in metrics.agreement if not one.model}
    names = dict.fromkeys((*(field for field, _ in known), *agree))
    rows = []
    for name in names:
        before, after = known.get((name, Side.BASELINE)), known.get((name, Side.CANDIDATE))
        if not (before or after) and agree[name].same == 1:
            continue
        rows.append(
            (
                plain_line(name),
                percent(before.right if before else None),
                percent(after.right if after else None),
                _origins(before),
                _origins(after),
                percent(agree[name].same if name in agree else None),
            )
        )
    shown, left = most(rows, ROWS)
    head = ("field", "right before", "right after", "wrong before", "wrong after", "sides agree")
    return page(table(head, shown), left).strip()


def wrong_values(metrics: Metrics) -> str:
    """The most frequent wrong values of every field, with a run to look at."""
    rows = [
        (
            plain_line(field.field),
            field.side.value,
            plain_line(wrong.gold, 60),
            plain_line(wrong.got, 60) or "(missing)",
            str(wrong.count),
            plain_line(wrong.path),
        )
        for field in metrics.accuracy
        if not field.model
        for wrong in field.wrong[:3]
    ]
    shown, left = most(rows, ROWS)
    return page(
        table(("field", "side", "gold", "answer", "runs", "for example"), shown), left
    ).strip()


def lengths(metrics: Metrics) -> str:
    """Characters per run, and the ratios to the other side and to gold; whole outputs first."""
    rows = [
        (
            plain_line(one.model),
            plain_line(one.field) or "(whole output)",
            f"{count(_integer_value(one.baseline_chars))}"
            f" → {count(_integer_value(one.candidate_chars))}",
            times(one.ratio),
            times(one.baseline_to_gold),
            times(one.candidate_to_gold),
            f"{count(one.baseline_items)} → {count(one.candidate_items)}",
        )
        for one in sorted(metrics.lengths, key=lambda one: (one.field != "", one.field))
    ]
    shown, left = most(rows, ROWS)
    head = ("model", "field", "characters", "ratio", "before / gold", "after / gold", "texts a run")
    return page(table(head, shown), left).strip()


def openers(metrics: Metrics) -> str:
    """Template lock: shared beginnings with their counts on both sides."""
    return _shared(metrics.openers)


def phrases(metrics: Metrics) -> str:
    """Phrases that came or went with the change."""
    return _shared(inner(metrics))


def duplicates(metrics: Metrics) -> str:
    """Near-duplicates with the closest pair."""
    rows = [
        (
            one.side.value,
            plain_line(one.model),
            plain_line(one.plan) or "between plans",
            plain_line(one.field),
            f"{one.count} of {one.total}",
            percent(one.similarity),
            plain_line(one.second, 100),
            plain_line(one.path),
        )
        for one in metrics.duplicates
    ]
    shown, left = most(rows, ROWS)
    head = ("side", "model", "plan", "field", "texts", "closest", "text", "for example")
    return page(table(head, shown), left).strip()


def render_placeholders(metrics: Metrics) -> str:
    """Placeholders left in, and text copied from the prompt."""
    rows = [
        ("placeholder", one.side.value, plain_line(one.model), plain_line(one.field),
         plain_line(one.text, 100),
         str(one.count), plain_line(one.path))
        for one in metrics.placeholders
    ]  # fmt: skip
    rows += [
        ("value of the prompt" if one.value else "words of the prompt", one.side.value,
         plain_line(one.model), plain_line(one.field), plain_line(one.phrase, 100),
         f"{one.count} of {one.total}", plain_line(one.path))
        for one in metrics.copied
    ]  # fmt: skip
    shown, left = most(rows, ROWS)
    head = ("what", "side", "model", "field", "text", "texts", "for example")
    return page(table(head, shown), left).strip()


def identical(metrics: Metrics) -> str:
    """Pairs with equal outputs."""
    rows = [
        (plain_line(one.model), f"{one.count} of {one.pairs}", plain_line(one.path))
        for one in metrics.identical
    ]
    return table(("model", "equal pairs", "for example"), rows)


def _shared(found: Iterable[SharedWords]) -> str:
    rows = [
        (
            plain_line(fold.head.model),
            plain_line(fold.head.field),
            plain_line(fold.head.phrase),
            plain_line(fold.head.plan) or "all",
            counts(fold.head),
            "; ".join(f"{plain_line(one.plan)}: {counts(one)}" for one in fold.plans[:PLANS]),
            plain_line(fold.head.path),
        )
        for fold in folded(found)
    ]
    shown, left = most(rows, ROWS)
    head = ("model", "field", "words", "plans", "texts", "of these", "for example")
    return page(table(head, shown), left).strip()


def _origins(field: FieldAccuracy | None) -> str:
    if field is None or field.right == 1:
        return "-"
    parts = (
        (field.missing, "missing"),
        (field.from_input, "from the inputs"),
        (field.made_up, "made up"),
    )
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _integer_value(value: float | None) -> float | None:
    return None if value is None else round(value)
