"""Pairs as arrays: one cube of paired scores per side, and the plan values drawn from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from prompt_lab.errors import LabError


class RunCell(NamedTuple):
    """Where a pair belongs; what a trial asks to be run next, on both sides."""

    model: str
    plan: str
    replicate: int


class Pair(NamedTuple):
    """Scores of both sides in [0, 1]; None where a run is missing for an outside reason.

    A bad answer is not missing: its caller scores it 0.
    """

    model: str
    plan: str
    replicate: int
    baseline: float | None
    candidate: float | None

    @property
    def cell(self) -> RunCell:
        """The pair without its scores."""
        return RunCell(self.model, self.plan, self.replicate)


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreTable:
    """Scores by (plan, model, replicate); NaN on both sides where a pair does not count.

    A pair counts if it is whole, and from rule 3 on also if it lacks one side: see `fill_one_side`.
    """

    plans: tuple[str, ...]
    models: tuple[str, ...]
    baseline: Floats
    candidate: Floats
    pairs: tuple[Pair, ...]
    tie: float = 0.0

    @property
    def rows(self) -> int:
        """All pairs, whole or not."""
        return len(self.pairs)

    @property
    def runs(self) -> int:
        """Scores that are there: the runs behind the pairs, both sides."""
        scores = (side for pair in self.pairs for side in (pair.baseline, pair.candidate))
        return sum(score is not None for score in scores)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the pairs in the order of their cells, whatever order they came in."""
        text = "\n".join(repr(tuple(pair)) for pair in sorted(self.pairs, key=lambda p: p.cell))
        return sha256(text.encode()).hexdigest()

    @cached_property
    def differences(self) -> Floats:
        """Candidate minus baseline, shape (plan, model, replicate); 0 for less than `tie`."""
        return snap_ties(self.candidate - self.baseline, self.tie)

    @cached_property
    def pair_count(self) -> int:
        """How many pairs have both sides."""
        return sum(None not in (pair.baseline, pair.candidate) for pair in self.pairs)

    @cached_property
    def could_lose(self) -> Floats:
        """Per plan what its mean difference could lose at most: the baseline's mean score.

        NaN where nothing counts.
        """
        return nan_mean(nan_mean(self.baseline, 2), 1)

    @cached_property
    def has_signs_only(self) -> bool:
        """Whether a plan's difference can only be -1, 0 or 1: one run of a 0/1 score."""
        scores = np.concatenate([self.baseline.ravel(), self.candidate.ravel()])
        cells = self.baseline.shape[1] * self.baseline.shape[2]
        return cells == 1 and bool(np.isin(scores[np.isfinite(scores)], (0.0, 1.0)).all())

    @cached_property
    def by_model(self) -> Floats:
        """Mean difference over replicates, shape (plan, model); NaN where there is none."""
        return snap_ties(nan_mean(self.differences, 2), self.tie)

    @cached_property
    def means(self) -> Floats:
        """Per plan: the mean over models of their mean differences; NaN where there is none."""
        return snap_ties(nan_mean(self.by_model, 1), self.tie)

    @cached_property
    def values(self) -> Floats:
        """What the tests see, per plan: the sum of its differences over the cells of a whole plan.

        Equal to `means` where nothing is missing. A missing or an empty cell counts as no
        difference, so that padding a plan with tied pairs cannot help a candidate.
        """
        return snap_ties(plan_values(self.differences), self.tie)

    @cached_property
    def telling(self) -> NDArray[np.bool_]:
        """Plans on which at least one side scored at all: only these can show 'nothing lost'."""
        top = np.fmax(self.baseline, self.candidate)
        return np.asarray((np.nan_to_num(top) > 0).any(axis=(1, 2)))


def snap_ties(values: Floats, tie: float) -> Floats:
    """The values, with 0 for each that is smaller in size than `tie`; NaN stays NaN."""
    return np.where(np.abs(values) < tie, 0.0, values)


def plan_values(differences: Floats) -> Floats:
    """Sum over the last two axes (model, replicate) over their size; NaN where all is missing."""
    there = np.isfinite(differences)
    total = np.where(there, differences, 0.0).sum(axis=(-2, -1))
    cells = max(differences.shape[-1] * differences.shape[-2], 1)
    return np.where(there.any(axis=(-2, -1)), total / cells, np.nan)


WORST, BEST = 0.0, 1.0


def fill_one_side(pair: Pair) -> Pair:
    """The pair with a side that is missing alone scored against the candidate.

    Missing on the candidate's side it is the candidate's worst score, on the baseline's side the
    baseline's best one: so that a candidate cannot gain by failing where it would score low. A
    pair that lacks both sides is an outage of both and stays missing.
    """
    if pair.candidate is None and pair.baseline is not None:
        return pair._replace(candidate=WORST)
    if pair.baseline is None and pair.candidate is not None:
        return pair._replace(baseline=BEST)
    return pair


def tabulate(
    pairs: Iterable[Pair],
    models: Sequence[str] = (),
    plans: Sequence[str] = (),
    *,
    tie: float = 0.0,
    one_sided: bool = False,
) -> ScoreTable:
    """The table of these pairs. `plans` fixes the order of the plans (sorted by name otherwise).

    Differences below `tie` are 0, before and after means are taken of them. With `one_sided`, as
    from rule 3 on, a pair that lacks one side counts against the candidate.
    Raises LabError for a score outside [0, 1] and for two different pairs of one cell.
    """
    cells = merge({}, pairs)
    names = tuple(plans) or tuple(sorted({cell.plan for cell in cells}))
    known = tuple(models) or tuple(sorted({cell.model for cell in cells}))
    repeats = sorted({cell.replicate for cell in cells})
    place = [{key: i for i, key in enumerate(axis)} for axis in (names, known, repeats)]
    cube = np.full((2, len(names), len(known), max(len(repeats), 1)), np.nan)
    for cell, pair in cells.items():
        at = place[0].get(cell.plan), place[1].get(cell.model), place[2][cell.replicate]
        if at[0] is None or at[1] is None:
            raise LabError(
                f"pair of plan {cell.plan!r} and model {cell.model!r} was never asked for"
            )
        used = fill_one_side(pair) if one_sided else pair
        if used.baseline is not None and used.candidate is not None:
            cube[(slice(None), *at)] = used.baseline, used.candidate
    return ScoreTable(names, known, cube[0], cube[1], tuple(cells.values()), tie)


def merge(known: dict[RunCell, Pair], pairs: Iterable[Pair]) -> dict[RunCell, Pair]:
    """Add pairs by cell. The same pair again is no news; a different one for its cell is an error.

    A missing score may be filled in later: the same run tried again.
    """
    found = dict(known)
    for pair in pairs:
        _check(pair)
        old = found.get(pair.cell)
        if old is not None and old != pair and None not in (old.baseline, old.candidate):
            raise LabError(
                f"two different pairs for model {pair.model!r}, plan {pair.plan!r}, replicate"
                f" {pair.replicate}: the scores {old.baseline} and {old.candidate}, then"
                f" {pair.baseline} and {pair.candidate}; give each cell once"
            )
        if old is None or None not in (pair.baseline, pair.candidate):
            found[pair.cell] = pair
    return found


def _check(pair: Pair) -> None:
    for side, score in (("baseline", pair.baseline), ("candidate", pair.candidate)):
        if score is not None and not 0 <= score <= 1:
            raise LabError(
                f"{side} score {score!r} of model {pair.model!r}, plan {pair.plan!r} is outside"
                " [0, 1]; scale it in the step's score"
            )


def nan_mean(values: Floats, axis: int) -> Floats:
    """Mean over what is there; NaN, without a warning, where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=axis)
    total = np.where(there, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
