"""The parameter types that luigi does not have: each says in one sentence what it cannot read."""

from hashlib import sha256
from math import inf, nan
from typing import Any

import luigi

from prompt_lab.errors import ConfigError
from prompt_lab.names import Split, count, join_names, split_names


class NamesParameter(luigi.Parameter):
    """Names with commas between them, `\\,` for one within a name; '' means 'as configured'."""

    def normalize(self, x: str) -> str:
        """`a, b,,a` and `a,b` are the same."""
        return join_names(dict.fromkeys(part.strip() for part in split_names(x) if part.strip()))


class CountParameter(luigi.IntParameter):
    """A whole number from `least` to `most`; the default is 'not given', and may be less."""

    def __init__(
        self, flag: str, *, least: int, most: int | None = None, default: int, description: str
    ) -> None:
        super().__init__(default=default, description=description)
        self._flag, self._least, self._most, self._not_given = flag, least, most, default

    def parse(self, x: str) -> int:
        """What the command line says. Raises ConfigError that names the flag."""
        if x == "":
            return self._not_given
        try:
            value = int(x)
        except ValueError:
            value = self._least - 1
        if value < self._least or (self._most is not None and value > self._most):
            top = "on" if self._most is None else f"to {self._most}"
            raise ConfigError([f"{self._flag} {x}: give a whole number from {self._least} {top}"])
        return value

    def serialize(self, x: int) -> str:
        """The number as it is typed; '' where it was not given."""
        return "" if x == self._not_given else str(x)


class WholeParameter(luigi.IntParameter):
    """Any whole number."""

    def __init__(self, flag: str, **given: Any) -> None:
        super().__init__(**given)
        self._flag = flag

    def parse(self, x: str) -> int:
        """What the command line says. Raises ConfigError that names the flag."""
        try:
            return int(x)
        except ValueError:
            raise ConfigError([f"{self._flag} {x}: give a whole number"]) from None


NOT_GIVEN = -1.0
MOST_REPLICATES = 1000
"""A batch is planned before its first run: with millions the memory is gone before anyone asks."""


class AmountParameter(luigi.FloatParameter):
    """A number from 0 on, to `most` if there is one; the default where the command names none."""

    def __init__(
        self, flag: str, *, most: float = inf, default: float = NOT_GIVEN, description: str
    ) -> None:
        super().__init__(default=default, description=description)
        self._flag, self._most, self._not_given = flag, most, default

    def parse(self, x: str) -> float:
        """What the command line says. Raises ConfigError that names the flag."""
        if x == "":
            return self._not_given
        try:
            value = float(x)
        except ValueError:
            value = nan
        if not 0 <= value <= self._most or value == inf:
            top = "" if self._most == inf else f" to {self._most:g}"
            raise ConfigError([f"{self._flag} {x}: give a number from 0{top or ' on'}"])
        return value

    def serialize(self, x: float) -> str:
        """The number as it is typed; '' where it was not given."""
        return "" if x == self._not_given else f"{x:g}"


class SplitParameter(luigi.Parameter[Split]):
    """`train` or `verify`."""

    def parse(self, x: str) -> Split:
        """What the command line says. Raises ConfigError for any other word."""
        if x not in list(Split):
            raise ConfigError([f"--split {x}: give 'train' or 'verify'"])
        return Split(x)

    def serialize(self, x: Any) -> str:
        """The word as it is typed."""
        return Split(x).value


LISTED = 3
"""Values of a batch that its name shows."""


class Batched(luigi.Parameter):
    """A parameter whose values luigi gathers into one Luigi batch.

    A batch's value is a tuple; it is shown by its first values and a digest, so that the name of a
    batch of 10,000 can be read and stays short and unique.
    """

    def __init__(self, description: str) -> None:
        super().__init__(batch_method=tuple, description=description)

    def serialize(self, x: object) -> str:
        """'name' for one value; what a batch holds, how many runs it is of, and a digest.

        >>> [Batched("x").serialize(v) for v in ("a", ("a", "a"), ("a", "b", "b"))]
        ['a', 'a (2 runs)', 'a, b (3 runs, 8ef3a07b)']
        >>> Batched("x").serialize(tuple("abcde"))
        'a, b, c and 2 more (5 runs, dbbc47f2)'
        """
        if not isinstance(x, tuple):
            return str(x)
        values = list(dict.fromkeys(map(str, x)))
        more = f" and {len(values) - LISTED} more" if len(values) > LISTED else ""
        text = ", ".join(values[:LISTED]) + more
        if len(values) == 1:
            return f"{text} ({count(len(x), 'run')})"
        digest = sha256("\n".join(map(str, x)).encode()).hexdigest()[:8]
        return f"{text} ({count(len(x), 'run')}, {digest})"
