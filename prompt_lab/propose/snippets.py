"""The one line of an input that decides its answer, found by the values and not by words."""

import re
from collections.abc import Mapping

from prompt_lab.evaluate.fields import normalize_text, values_equal

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
    """Where the value stands in the line, or None."""
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
            if len(digits) <= _LONGEST and any(values_equal(abs(value), r) for r in readings(digits)):
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
