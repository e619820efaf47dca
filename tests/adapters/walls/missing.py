"""Which walls a machine could not build, told apart from the bounds that it cannot keep."""

from collections.abc import Sequence

from adapters.walls.held import NO_COUNT, NO_MEMORY_BOUND


def walls_missing(unbound: Sequence[str]) -> list[str]:
    """Where no control group can be made, as for most users but root, every wall may stand."""
    return [word for word in unbound if word not in (NO_COUNT, NO_MEMORY_BOUND)]
