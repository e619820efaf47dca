"""The data set of 569 tumours that scikit-learn ships, in one split that no candidate chooses.

It is read without importing scikit-learn, which takes longer than the scoring.
"""

import csv
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

FILE = "datasets/data/breast_cancer.csv"
MEASURED = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
    "concave points", "symmetry", "fractal dimension",
)  # fmt: skip
NAMES = [f"{which} {name}" for which in ("mean", "error of", "worst") for name in MEASURED]
"""The columns of the file, in its order."""


class Row(NamedTuple):
    """One tumour: its line in the file, its measurements by name, and whether it is malignant."""

    number: int
    measured: dict[str, float]
    malignant: bool


def rows(*, held_out: bool) -> list[Row]:
    """Those that a model learns from, or those that it is scored on: two of five."""
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("scikit-learn is not installed: run `make samples`")
    path = Path(spec.submodule_search_locations[0], FILE)
    with path.open(encoding="ascii") as file:
        lines = list(csv.reader(file))[1:]
    return [
        Row(number, dict(zip(NAMES, map(float, line), strict=False)), line[-1] == "0")
        for number, line in enumerate(lines)
        if (number % 5 in (1, 3)) == held_out
    ]
