"""Strategies that show the model worked examples from train, in two forms."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from prompt_lab.evaluate.answers import parse_answer
from prompt_lab.evaluate.normalize import normalize_text, values_equal
from prompt_lab.evaluate.schema import properties
from prompt_lab.propose.model import Draft, Material, Rewrite
from prompt_lab.propose.sections import EXAMPLES, append, halves, is_inert, put_block, with_system
from prompt_lab.records import PlanText

WIDEST = 120
"""Characters of a snippet; a longer line is cut around the value."""

_NUMBERS = (re.compile(r"\d+(?:[.,'’]\d+)*"), re.compile(r"\d{1,3}(?: \d{3})+(?:[.,]\d+)?"))
_LONGEST = 24
_DECIMALS = re.compile(r"^(.*?)[.,](\d{1,2})$", re.DOTALL)


def telling_line(text: str, gold: Mapping[str, object]) -> str:
    """The line in which most gold values stand, cut to a snippet; else the first line.

    >>> telling_line("Order 77 of 3.5.\\nTo pay: 1.249,50 EUR\\nThanks", {"amount": 1249.5})
    'To pay: 1.249,50 EUR'
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    places = [[p for value in gold.values() if (p := _place(line, value))] for line in lines]
    best = max(range(len(lines)), key=lambda index: (len(places[index]), -index))
    return _cut_around(lines[best], places[best][0] if places[best] else (0, 0))


def readings(digits: str) -> frozenset[float]:
    """The numbers that a group of digits may mean, whatever its separators mean.

    >>> sorted(readings("1.249"))
    [1249.0]
    >>> sorted(readings("1.249,50"))
    [1249.5, 124950.0]
    """
    found = {float(re.sub(r"\D", "", digits))}
    decimal = _DECIMALS.match(digits)
    if decimal:
        whole, fraction = (re.sub(r"\D", "", part) for part in decimal.groups())
        found.add(float(f"{whole}.{fraction}"))
    return frozenset(found)


def _place(line: str, value: object) -> tuple[int, int] | None:
    """The position of the value in the line, or None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _number_place(line, value)
    if isinstance(value, str) and normalize_text(value):
        start = line.casefold().find(value.strip().casefold())
        if start >= 0:
            return start, start + len(value.strip())
        return (0, 0) if normalize_text(value) in normalize_text(line) else None
    return None


def _number_place(line: str, value: float) -> tuple[int, int] | None:
    for pattern in _NUMBERS:
        for match in pattern.finditer(line):
            digits = match.group()
            if len(digits) <= _LONGEST and any(
                values_equal(abs(value), r) for r in readings(digits)
            ):
                return match.span()
    return None


def _cut_around(line: str, place: tuple[int, int]) -> str:
    """At most WIDEST characters around a place, at spaces where there are any."""
    if len(line) <= WIDEST:
        return line
    middle = sum(place) // 2
    start = max(0, min(middle - WIDEST // 2, len(line) - WIDEST))
    end = start + WIDEST
    if start and " " in line[start : place[0]]:
        start = line.index(" ", start) + 1
    if end < len(line) and " " in line[place[1] : end]:
        end = line.rindex(" ", place[1], end)
    return line[start:end].strip()


LONGEST = 1200
"""Characters of an input that may be shown in full."""
LEAST = 2
_OPENING = 3


@dataclass(frozen=True)
class Example:
    """A plan as a worked example. `shown` is what stands for its input."""

    plan: str
    shown: str
    answer: dict[str, Any]

    @property
    def json(self) -> str:
        """The answer on one line."""
        return json.dumps(self.answer, ensure_ascii=False)

    @property
    def opening_phrase(self) -> str:
        """The first words, whatever their numbers, by which two examples are distinguished."""
        return re.sub(r"\d+", "0", " ".join(normalize_text(self.shown).split()[:_OPENING]))


class ExamplesByContrast(Rewrite):
    """Two whole inputs with their answers, short ones that go wrong now and begin differently."""

    name = "examples_by_contrast"
    count: ClassVar[int] = 2

    def attempt(self, material: Material) -> Draft | str:
        """The prompt with two input-answer pairs at the end of its system half."""
        usable = [e for e in _examples(material, whole=True) if len(e.shown) <= LONGEST]
        failing = set(material.failing)
        chosen = diverse([e for e in usable if e.plan in failing], self.count)
        why_not = _why_not(material, len(chosen), "failing train plans short enough to show")
        if why_not:
            return why_not
        pairs = [f"Input:\n{e.shown}\nAnswer:\n{e.json}" for e in chosen]
        system = append(halves(material.prompt).system, "\n\n".join([EXAMPLES, *pairs]))
        title = f"Show {len(chosen)} whole inputs with their answers"
        return _make_draft(material, system, chosen, title=title, strategy=self.name)


class ExamplesCompact(Rewrite):
    """Up to four one-line snippets, each the line that decides, with its answer."""

    name = "examples_compact"
    count: ClassVar[int] = 4

    def attempt(self, material: Material) -> Draft | str:
        """The prompt with a list of snippets at the end of its system half."""
        failing = set(material.failing)
        usable = _examples(material, whole=False)
        usable.sort(key=lambda e: e.plan not in failing)
        chosen = diverse(usable, self.count)
        why_not = _why_not(material, len(chosen), "train plans whose gold answer can be shown")
        if why_not:
            return why_not
        lines = [f"- {e.shown} -> {e.json}" for e in chosen]
        system = put_block(halves(material.prompt).system, EXAMPLES, lines)
        title = f"Show {len(chosen)} telling lines with their answers"
        return _make_draft(material, system, chosen, title=title, strategy=self.name)


def diverse(examples: Sequence[Example], count: int) -> list[Example]:
    """Up to `count` of them in their order: those that differ in opening and answer first.

    Where that is too few, repeated answers are let in, and then repeated openings.
    """
    chosen: list[Example] = []
    for same_answer, same_opening in ((False, False), (True, False), (True, True)):
        for example in examples:
            fresh = same_answer or all(example.answer != other.answer for other in chosen)
            new = same_opening or all(
                example.opening_phrase != other.opening_phrase for other in chosen
            )
            other_text = all(
                normalize_text(example.shown) != normalize_text(other.shown) for other in chosen
            )
            if len(chosen) < count and fresh and new and other_text:
                chosen.append(example)
    return chosen


def _examples(material: Material, *, whole: bool) -> list[Example]:
    """The plans that can be shown, the shortest first."""
    fields = list(properties(material.schema or {}))
    found = [_example(plan, fields, whole=whole) for plan in material.plans]
    usable = [e for e in found if e is not None]
    return sorted(usable, key=lambda e: (len(e.shown), e.plan))


def _example(plan: PlanText, fields: Sequence[str], *, whole: bool) -> Example | None:
    gold = _gold(plan, fields)
    text = "\n\n".join(part.strip() for part in plan.inputs.values())
    shown = text if whole else telling_line(text, gold)
    if not gold or not shown:
        return None
    example = Example(plan.name, shown, gold)
    return example if is_inert(shown) and is_inert(example.json) else None


def _gold(plan: PlanText, fields: Sequence[str]) -> dict[str, Any]:
    """The first gold answer, in the order of the schema's fields and without any others."""
    for text in plan.gold.values():
        answer = parse_answer(text, None)
        if isinstance(answer, dict):
            return {name: answer[name] for name in fields or answer if name in answer}
    return {}


def _why_not(material: Material, count: int, of_what: str) -> str | None:
    if any(line.strip() == EXAMPLES for line in material.prompt.splitlines()):
        return "the prompt already shows worked examples"
    if count < LEAST:
        return f"only {count} {of_what}; {LEAST} are needed"
    return None


def _make_draft(
    material: Material, system: str, chosen: Sequence[Example], *, title: str, strategy: str
) -> Draft:
    names = tuple(e.plan for e in chosen)
    failing = sum(name in set(material.failing) for name in names)
    return Draft(
        text=with_system(material.prompt, system),
        title=title,
        description=(
            f"Worked examples for {material.step} from the train plans {', '.join(names)}; "
            f"{failing} of these {len(names)} go wrong with the prompt as it is."
        ),
        strategy=strategy,
        plans=names,
    )
