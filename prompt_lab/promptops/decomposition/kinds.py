"""The kind of a part by its form alone: dates, quantities, keys. No words of any language."""

import re
import unicodedata
from typing import Final

from prompt_lab.promptops.decomposition.records import IntentKind

_TIMES: Final = re.compile(
    r"(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])"  # a time of day
    r"|(?<!\d)\d{4}-\d{1,2}(?:-\d{1,2})?(?!\d)"  # a date
    r"|(?<!\d)\d{1,2}[./]\d{1,2}[./]\d{2,4}(?!\d)"
    r"|(?<![\d.,])(?:1[0-9]|20)\d{2}(?![\d.,]*\d)"  # a year
)
_RANGE: Final = re.compile(r"\d\s?[–—~～→]\s?\d")
_QUANTITY: Final = re.compile(
    r"[%‰٪％#№∑Σ]|[€$£¥₹₽元円]|\d\s?(?:km|kg|mg|cm|mm|m|g|h|min|s|l|°C|°F|kWh|MB|GB)\b"
    r"|\d\s?[+×÷=<>≤≥*/]\s?\d"
)
_KEY: Final = re.compile(r"[\w\]]\s?=\s?\w|\{[^{}]*\}|`[^`]+`|\b[a-z]+_[a-z_]+\b|\"[\w .-]+\"\s?:")


def classify_part(text: str, *, is_item: bool = False) -> IntentKind:
    """The kind of a part. `is_item`: it is one item of an enumeration of keys.

    >>> classify_part("Who led it in 1990 and 2005?"), classify_part("What is 25 % of 80?")
    ('cross_window_relation', 'counting')
    """
    plain = _write_digits(text)
    times = set(_TIMES.findall(plain))
    if len(times) > 1 or (times and _RANGE.search(plain)):
        return "cross_window_relation"
    if is_item or _KEY.search(plain):
        return "structured_key_value"
    if times:
        return "timeline"
    return "counting" if _QUANTITY.search(plain) else "extraction"


def _write_digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9."""
    return "".join(
        str(unicodedata.digit(char)) if char.isdigit() and not char.isascii() else char
        for char in text
    )
