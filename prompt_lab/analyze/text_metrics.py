"""Placeholders that were left in an answer, known by their shape and not by their words."""

import re
from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import LengthRatio, Placeholder
from prompt_lab.analyze.texts import Text
from prompt_lab.names import Side, dollars
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
        for field, wanted in evidence.gold_by_plan.get(record.plan, {}).items():
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


def score(value: float | None) -> str:
    """Three digits behind the point.

    >>> score(0.5), score(None)
    ('0.500', '-')
    """
    return "-" if value is None else f"{value:.3f}"


def change(before: float | None, after: float | None) -> str:
    """The signed difference of two scores.

    >>> change(0.5, 0.75), change(None, 1.0)
    ('+0.250', '-')
    """
    return "-" if before is None or after is None else f"{after - before:+.3f}"


def percent(share: float | None) -> str:
    """A share as whole percent.

    >>> percent(0.971)
    '97 %'
    """
    return "-" if share is None else f"{share * 100:.0f} %"


def times(ratio: float | None) -> str:
    """A ratio.

    >>> times(1.254)
    '1.25x'
    """
    return "-" if ratio is None else f"{ratio:.2f}x"


def seconds(value: float | None) -> str:
    """A duration."""
    return "-" if value is None else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def money(value: float | None) -> str:
    """US dollars, or '-'; see `dollars`."""
    return "-" if value is None else dollars(value)


def count(value: float | None) -> str:
    """A whole number with thin separators, or one digit behind the point for a mean.

    >>> count(12345), count(2.5)
    ('12,345', '2.5')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def ratio(before: float, after: float) -> float | None:
    """after / before, where that can be said."""
    return after / before if before > 0 else None


_SHAPES = (
    re.compile(r"\[[^\W\d][^\[\]\n\"':,]{0,60}\](?![(\[])"),  # [name], but not a link's [text](url)
    re.compile(r"\{\{?\s*[^\W\d][^{}\n\"':,]{0,60}\}?\}"),  # {name}, {{ name }}
    re.compile(
        r"<(?!/)(?P<tag>[^\W\d][^<>\n\"'=/@]{0,60})>(?!.*</(?P=tag)>)"
    ),  # <name>, no mark-up
    re.compile(r"(?<!\w)[Xx×]{3,}(?!\w)"),  # XXX
    re.compile(r"(?<!\w)_{3,}(?!\w)"),  # ____
)
_CHECKBOX = re.compile(r"\[[xX]\]")


def placeholders(evidence: RunEvidence) -> tuple[Placeholder, ...]:
    """Unfilled placeholders by side, model and field, without those in the plan's own texts."""
    found: dict[tuple[Side, str, str, str], list[Text]] = defaultdict(list)
    for text in evidence.texts:
        for left in dict.fromkeys(left_in(text.text)):
            if not _is_known(evidence, text.plan, left):
                found[text.side, text.model, text.field, left].append(text)
    return tuple(
        Placeholder(
            side=side,
            model=model,
            field=field,
            text=left,
            count=len(texts),
            in_prompt=_in_prompt(evidence, side, left),
            path=texts[0].path,
        )
        for (side, model, field, left), texts in sorted(
            found.items(), key=lambda item: -len(item[1])
        )
    )


def left_in(text: str) -> Iterator[str]:
    """Everything in a text that has the shape of a placeholder.

    >>> list(left_in("Dear [your name], pay {amount} to XXX; see [1] and [here](a.html)."))
    ['[your name]', '{amount}', 'XXX']
    """
    for shape in _SHAPES:
        for match in shape.finditer(text):
            if not _CHECKBOX.fullmatch(match.group()):
                yield match.group()


def _is_known(evidence: RunEvidence, plan_name: str, left: str) -> bool:
    plan = evidence.plans.get(plan_name)
    if plan is None:
        return False
    return any(left in text for text in (*plan.inputs.values(), *plan.gold.values()))


def _in_prompt(evidence: RunEvidence, side: Side, left: str) -> bool:
    prompt = evidence.prompts.get(side)
    return prompt is not None and (left in prompt.text or left in prompt.schema_text)
