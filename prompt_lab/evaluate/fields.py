"""Credit for an answer's fields against gold: exact, but blind to case, width and spaces."""

import unicodedata
from collections.abc import Mapping

EXACT = 1e13


def field_credit(gold: Mapping[str, object], answer: Mapping[str, object]) -> dict[str, float]:
    """Field of the gold answer -> 1.0 where the answer has the same value, else 0.0.

    >>> field_credit({"vendor": "Nordwind AG", "amount": 12}, {"vendor": "nordwind  ag"})
    {'vendor': 1.0, 'amount': 0.0}
    """
    return {
        name: float(name in answer and values_equal(value, answer[name])) for name, value in gold.items()
    }


def values_equal(gold: object, answer: object) -> bool:
    """Equal as a reader would say: numbers to the cent, texts but for case, width and spaces.

    >>> same(1249, 1249.004), same("STRASSE", "straße"), same(1, True), same(1, "1")
    (True, True, False, False)
    """
    if isinstance(gold, bool) or isinstance(answer, bool):
        return gold is answer
    if isinstance(gold, int | float) and isinstance(answer, int | float):
        return _equal_to_the_cent(gold, answer)
    if isinstance(gold, str) and isinstance(answer, str):
        return normalize_text(gold) == normalize_text(answer)
    if isinstance(gold, list) and isinstance(answer, list):
        return len(gold) == len(answer) and all(map(values_equal, gold, answer))
    if isinstance(gold, dict) and isinstance(answer, dict):
        return gold.keys() == answer.keys() and all(values_equal(gold[k], answer[k]) for k in gold)
    return gold is None and answer is None


def normalize_text(text: str) -> str:
    """Case folded, in one Unicode form, runs of white space as one space.

    >>> plain("  \\uff2eord\\twind ")
    'nord wind'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _equal_to_the_cent(left: float, right: float) -> bool:
    """Beyond EXACT a float has no cents left (and a product may have no float)."""
    if abs(left) >= EXACT or abs(right) >= EXACT:
        return left == right
    return round(left * 100) == round(right * 100)
