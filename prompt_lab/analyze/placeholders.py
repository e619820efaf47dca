"""Placeholders that were left in an answer, known by their shape and not by their words."""

import re
from collections import defaultdict
from collections.abc import Iterator

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import Placeholder
from prompt_lab.analyze.texts import Text
from prompt_lab.names import Side

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
    """What was left unfilled, by side, model and field; what the plan itself says is not."""
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
