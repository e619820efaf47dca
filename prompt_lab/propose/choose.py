"""Which of the strategies that it is given carries out the next iteration."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from prompt_lab.errors import LabError
from prompt_lab.propose.model import Material, Strategy
from prompt_lab.records import Direction


class NothingToPropose(LabError):
    """No strategy has a change left to try; says of each why not."""


class StrategyChoice(NamedTuple):
    """A strategy, and the direction that it carries out."""

    strategy: Strategy
    direction: Direction


def choose(
    directions: Sequence[Direction],
    material: Material,
    table: Mapping[str, Strategy],
    tried: Collection[str] = (),
) -> StrategyChoice:
    """The top direction whose strategy applies; directions come ranked, the best first.

    `table` holds every strategy by its name. `tried` are the strategies whose candidate for this
    very prompt has had its verdict. Where no direction is left, it is the first strategy of the
    table that applies. Raises NothingToPropose.
    """
    why_not = {
        name: "was tried on this prompt" if name in tried else strategy.applies(material)
        for name, strategy in table.items()
    }
    for direction in directions:
        name = direction.strategy or ""
        if name in table and why_not[name] is None:
            return StrategyChoice(table[name], direction)
    for name, strategy in table.items():
        if why_not[name] is None:
            return StrategyChoice(strategy, _stand_in(strategy, material))
    reasons = "".join(f"\n  {name}: {why}" for name, why in why_not.items())
    raise NothingToPropose(
        f"No strategy has a change left for the prompt of {material.step!r}:{reasons}\n"
        "Give a change of your own with --branch."
    )


def _stand_in(strategy: Strategy, material: Material) -> Direction:
    return Direction(
        title=strategy.propose(material).title,
        strategy=strategy.name,
        why="No direction of the synthesis can be carried out; this one still applies.",
        evidence=(),
        expected="unknown: nothing measured points to it",
    )
