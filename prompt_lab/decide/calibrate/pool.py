"""Real scores, as they were measured: tables in data/ whose head says where they come from."""

import csv
from fractions import Fraction
from functools import cache
from importlib.resources import files

import numpy as np

from prompt_lab.decide.pairs import Floats

SOURCES = ("invoices", "planexe")
KEYS = ("side", "plan", "draw")
"""The first columns of a table; each further one is a model."""


@cache
def pool(source: str) -> dict[str, Floats]:
    """Side -> scores in [0, 1], shape (plan, draw, model), of data/<source>.csv.

    A draw is one run of all models on one plan. Raises ValueError where a plan of a side has more
    draws than another.
    """
    rows = list(csv.DictReader(line for line in text_of(source).split("\n") if line[:1] != "#"))
    found: dict[str, dict[str, list[list[float]]]] = {}
    for row in rows:
        scores = [float(Fraction(row[model])) for model in row if model not in KEYS]
        found.setdefault(row["side"], {}).setdefault(row["plan"], []).append(scores)
    return {side: np.array(list(plans.values())) for side, plans in found.items()}


def text_of(source: str) -> str:
    """The table as it is kept."""
    return files(__package__).joinpath("data", f"{source}.csv").read_text("utf-8")
