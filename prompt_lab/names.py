"""The closed sets of words that records and messages use, and how a number is said."""

import re
from collections.abc import Iterable
from enum import Enum, StrEnum, auto
from math import floor, log10


class Side(StrEnum):
    """Which version of the target a run used."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Split(StrEnum):
    """Which half of the plans: verify is never read before a final gate."""

    TRAIN = "train"
    VERIFY = "verify"


class Status(StrEnum):
    """How a run ended: 'error' is the model's bad answer (data, score 0)."""

    OK = "ok"
    ERROR = "error"


class Outcome(StrEnum):
    """What a verdict says."""

    YES = "YES"
    NO = "NO"
    CONDITIONAL = "CONDITIONAL"
    INVALID = "INVALID"


class PullState(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class RunEnding(Enum):
    """How a run ended in this process."""

    MADE = auto()
    FOUND = auto()
    """Another process had finished it."""
    ELSEWHERE = auto()
    """Another process is making it."""
    FAILED = auto()
    UNTRIED = auto()
    """Its model failed too often in a row: no call was made."""


def count(number: int, word: str) -> str:
    """A number with its noun.

    >>> count(1, "plan"), count(1200, "call")
    ('1 plan', '1,200 calls')
    """
    return f"{number:,} {plural(number, word)}"


def plural(number: int, word: str) -> str:
    """The noun alone.

    >>> plural(1, "plan"), plural(0, "plan")
    ('plan', 'plans')
    """
    return word if number == 1 else f"{word}s"


def dollars(value: float) -> str:
    """US dollars, with as many digits as tell something.

    >>> [dollars(v) for v in (0, 0.00042, 0.000021, 0.5, 12.346, 3e-9)]
    ['$0', '$0.00042', '$0.000021', '$0.50', '$12.35', '<$0.000001']
    """
    if value == 0:
        return "$0"
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 0.01:
        return f"{sign}${size:.2f}"
    if size < 1e-6:
        return f"{sign}<$0.000001"
    digits = f"{size:.{1 - floor(log10(size))}f}".rstrip("0")
    return f"{sign}${digits}"


def split_names(value: str) -> tuple[str, ...]:
    """The names in a text with commas between them; `\\,` is a comma within a name.

    >>> split_names("haiku,llama"), split_names(join_names(["Paris, France", "Rome"]))
    (('haiku', 'llama'), ('Paris, France', 'Rome'))
    """
    parts = (part.replace("\\,", ",") for part in re.split(r"(?<!\\),", value))
    return tuple(part for part in parts if part)


def join_names(names: Iterable[str]) -> str:
    """The text that `split_names` takes apart."""
    return ",".join(name.replace(",", "\\,") for name in names)
