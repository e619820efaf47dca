"""The orders of the shop: the same ones, whenever asked."""

from random import Random
from typing import NamedTuple

FAMILIES = ("oak", "steel", "glass")
SETUP_HOURS = 2.0
"""At the saw, whenever another family follows."""
DAY_HOURS = 8.0
MOST_OVERTIME = 4.0


class Order(NamedTuple):
    """Hours at the saw, then at the bench; due at the end of a day; the cost of each day late."""

    id: str
    family: str
    saw: float
    bench: float
    due: int
    late_cost: float


def orders() -> list[Order]:
    """40 orders in the order in which they came in."""
    draw = Random(20)
    return [
        Order(
            id=f"o{number:02d}",
            family=draw.choice(FAMILIES),
            saw=draw.randint(2, 8) / 2,
            bench=draw.randint(2, 7) / 2,
            due=draw.randint(3, 17),
            late_cost=draw.choice((20.0, 40.0, 90.0)),
        )
        for number in range(40)
    ]
