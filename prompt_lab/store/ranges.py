"""Ranges of run folders as a person names them: 182-188, 1/82-1/88, or one alone."""

import re
from pathlib import Path
from typing import NamedTuple

from prompt_lab.errors import ConfigError
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.runs import run_folders

_END = r"(?:history/)?(?:([0-9]{1,6})/)?([0-9]{1,8})(?:_[^\s/-]+)?"
_RANGE = re.compile(rf"{_END}(?:-{_END})?")


class Range(NamedTuple):
    """Run folders from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        """As people and folders name it."""
        return f"{self.first}-{self.last}" if self.last != self.first else str(self.first)


def parse_range(flag: str, text: str) -> Range:
    """What a flag says. Raises ConfigError that names the flag.

    >>> parse_range("--before", "1/82-1/88"), str(parse_range("--before", "182"))
    (Range(first=182, last=188), '182')
    """
    found = _RANGE.fullmatch(text.strip())
    wrong = f"{flag} {text!r}: give run folders of history, like 182-188 or 1/82-1/88"
    if found is None:
        raise ConfigError([wrong])
    parts = found.groups()
    ends = [_number(*parts[:2]), _number(*parts[2:]) if parts[3] else _number(*parts[:2])]
    if None in ends:
        raise ConfigError([f"{wrong} (after the slash come the last two digits)"])
    first, last = (end for end in ends if end is not None)
    if last < first:
        raise ConfigError([f"{flag} {text!r}: ends before it begins: give the lower number first"])
    return Range(first, last)


def folders_of(lab: Lab, flag: str, wanted: Range) -> list[Path]:
    """The range's folders by number. Raises ConfigError where one is not there."""
    known = run_folders(lab)
    if not known:
        raise ConfigError([f"{flag} {wanted}: {lab.history} holds no run folder"])
    low, high = min(known), max(known)
    if wanted.first < low or wanted.last > high:
        raise ConfigError([f"{flag} {wanted}: {lab.history} holds the run folders {low} to {high}"])
    gone = [n for n in range(wanted.first, wanted.last + 1) if n not in known]
    if gone:
        names = ", ".join(map(str, gone[:10])) + (", …" if len(gone) > 10 else "")
        raise ConfigError([f"{flag} {wanted}: {lab.history} holds no run folder {names}"])
    return [known[n] for n in range(wanted.first, wanted.last + 1)]


def _number(hundred: str | None, rest: str) -> int | None:
    if hundred is None:
        return int(rest)
    return int(hundred) * 100 + int(rest) if len(rest) == 2 else None
