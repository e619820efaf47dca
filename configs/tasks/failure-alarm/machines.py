"""Made data: the vibration of 12 machines over half a year, four readings a day, some of them fail.

A bearing that is about to fail grows louder over days. What else shakes a machine is noise, a slow
drift with the season, and single knocks from outside: they are what makes false alarms.
"""

import math
from random import Random
from typing import NamedTuple

READINGS_A_DAY = 4
DAYS = 180


class Machine(NamedTuple):
    """Readings in mm/s, and the indexes at which it failed and was repaired at once."""

    id: str
    readings: list[float]
    failures: list[int]


def machines() -> list[Machine]:
    """The same ones, whenever asked."""
    return [_machine(number) for number in range(12)]


def _machine(number: int) -> Machine:
    draw = Random(100 + number)
    length = DAYS * READINGS_A_DAY
    usual, noise = draw.uniform(1.5, 3.0), draw.uniform(0.15, 0.3)
    readings = [
        usual + 0.1 * math.sin(2 * math.pi * i / length) + draw.gauss(0, noise)
        for i in range(length)
    ]
    for _ in range(8):
        readings[draw.randrange(length)] += draw.uniform(4, 9) * noise
    failures = sorted(draw.sample(range(120, length, 60), draw.choice((1, 2, 2, 3))))
    for failure in failures:
        days = draw.uniform(5, 12)
        first = failure - round(days * READINGS_A_DAY)
        for i in range(first, failure):
            readings[i] += 5 * noise * ((i - first) / (failure - first)) ** 2
    return Machine(f"m{number:02d}", readings, failures)
