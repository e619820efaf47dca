"""The table of strategies, and which of them carries out the next iteration."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from prompt_lab.errors import LabError
from prompt_lab.propose.align import AlignWithSchema
from prompt_lab.propose.compress import Compress
from prompt_lab.propose.contract import StateContract
from prompt_lab.propose.examples import ExamplesByContrast, ExamplesCompact
from prompt_lab.propose.model import Material, Strategy
from prompt_lab.records import Direction


class NothingToPropose(LabError):
    """No built-in strategy has a change left to try; says of each why not."""


class StrategyChoice(NamedTuple):
    """A strategy, and the direction that it carries out."""

    strategy: Strategy
    direction: Direction


def strategies() -> dict[str, Strategy]:
    """Every built-in strategy by its name, in the order in which they stand in for a direction."""
    every: tuple[Strategy, ...] = (
        AlignWithSchema(),
        StateContract(),
        ExamplesByContrast(),
        ExamplesCompact(),
        Compress(),
    )
    return {strategy.name: strategy for strategy in every}


def choose(
    directions: Sequence[Direction], material: Material, tried: Collection[str] = ()
) -> StrategyChoice:
    """The top direction whose strategy applies; directions come ranked, the best first.

    `tried` are the strategies whose candidate for this very prompt has had its verdict. Where no
    direction is left, the first strategy of the table that applies. Raises NothingToPropose.
    """
    table = strategies()
    why_not = {
        name: "was tried on this prompt" if name in tried else strategy.applies(material)
        for name, strategy in table.items()
    }
    for direction in directions:
        if direction.strategy in table and why_not[direction.strategy] is None:
            return StrategyChoice(table[direction.strategy], direction)
    for name, strategy in table.items():
        if why_not[name] is None:
            return StrategyChoice(strategy, _stand_in(strategy, material))
    reasons = "".join(f"\n  {name}: {why}" for name, why in why_not.items())
    raise NothingToPropose(
        f"No built-in strategy has a change left for the prompt of {material.step!r}:{reasons}\n"
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
