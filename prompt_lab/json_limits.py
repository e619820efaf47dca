"""Limits on JSON text from outside, checked before it is parsed: depth, numbers, values."""

import json
import re
from array import array
from itertools import accumulate
from typing import Any

MOST_DEPTH = 100
"""Answers of model servers nest six deep; Python's own parser ends in a RecursionError at 1,000."""
MOST_DIGITS = 100
"""Characters of one number. A whole number of 309 digits is no float any more."""
MOST_VALUES = 1_000_000
"""Commas and opening brackets: what each stands for takes up to 70 bytes once it is parsed."""
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[-+0-9.eE]{%d}" % (MOST_DIGITS + 1))
_STEPS = bytes(1 if c in b"[{" else 255 if c in b"]}" else 0 for c in range(256))
_NO_BRACKETS = bytes(c for c in range(256) if c not in b"[]{}")
_SLICE = 65536


def check_json_limits(raw: bytes) -> None:
    """Raises ValueError for JSON that nests too deeply, has too long a number or too many values.

    >>> check_json_limits(b'{"a": [1, "[[[["]}')
    >>> check_json_limits(b"[" * 200_000)
    Traceback (most recent call last):
        ...
    ValueError: it nests deeper than 100 levels
    """
    check_value_count(raw)
    deep = _count_signs(raw, b"[{") > MOST_DEPTH
    long = _LONG_NUMBER.search(raw) is not None
    if not deep and not long:
        return
    bare = _STRING.sub(b"", raw)
    if long and _LONG_NUMBER.search(bare):
        raise ValueError(f"it has a number of more than {MOST_DIGITS} characters")
    if deep and _nests_too_deeply(bare.translate(_STEPS, _NO_BRACKETS)):
        raise ValueError(f"it nests deeper than {MOST_DEPTH} levels")


def parse_json(raw: bytes | str) -> Any:
    """The value of JSON within the limits. Raises ValueError, for NaN and Infinity too."""
    check_json_limits(raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace"))
    return json.loads(raw, parse_constant=_refuse_constant)


def check_value_count(raw: bytes) -> None:
    """Raises ValueError for JSON with more than MOST_VALUES values."""
    if _count_signs(raw, b"[{,") <= MOST_VALUES:
        return
    if _count_signs(_STRING.sub(b"", raw), b"[{,") > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES:,} values")


def _count_signs(raw: bytes, signs: bytes) -> int:
    return sum(raw.count(sign) for sign in signs)


def _nests_too_deeply(steps: bytes) -> bool:
    """Slice by slice, so that a text that nests from its start on is left early."""
    depth = 0
    for start in range(0, len(steps), _SLICE):
        depths = array("b", steps[start : start + _SLICE])
        heights = list(accumulate(depths, initial=depth))
        if max(heights) > MOST_DEPTH:
            return True
        depth = heights[-1]
    return False


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
