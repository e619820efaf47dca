"""The parameter types that luigi does not have."""

from hashlib import sha256

import luigi


class NamesParameter(luigi.Parameter):
    """Names with commas between them; '' means 'as configured'."""

    def normalize(self, x: str) -> str:
        """`a, b,,a` and `a,b` are the same."""
        return ",".join(dict.fromkeys(part.strip() for part in x.split(",") if part.strip()))


class Batched(luigi.Parameter):
    """A parameter whose values luigi gathers into one Luigi batch.

    A batch's value is a tuple; it is shown as a count and a digest, so that the name of a batch
    of 10,000 stays short and unique.
    """

    def __init__(self, description: str) -> None:
        super().__init__(batch_method=tuple, description=description)

    def serialize(self, x: object) -> str:
        """'name' for one value, '12 x 1f3a9c20' for a batch."""
        if not isinstance(x, tuple):
            return str(x)
        digest = sha256("\n".join(map(str, x)).encode()).hexdigest()[:8]
        return f"{len(x)} x {digest}"


def names(value: str) -> tuple[str, ...]:
    """The names in a NamesParameter's value."""
    return tuple(part for part in value.split(",") if part)
