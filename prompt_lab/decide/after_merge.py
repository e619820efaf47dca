"""The check of a merge on evidence that came after it: valid however often one looks.

The unit is the plan, or what another source counts as independent. Each gives one difference, the
merged prompt less the one before. An e-process bets that their mean is below the margin; if the
merge is not worse than that, the chance that it ever reaches 1 / alpha, at whatever number of
looks, is at most alpha (Ville's inequality; Waudby-Smith and Ramdas 2024, by a mixture of fixed
bets). See anytime.py.
"""

from collections.abc import Sequence
from math import log
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.decide.anytime import confidence, log_e_path
from prompt_lab.decide.reasons import points
from prompt_lab.decide.result import Interval
from prompt_lab.names import count

MergeState = Literal["worse", "holds", "open"]
RETEST = "retest"
"""The source of rows that a re-test measured on fresh plans."""


class DifferenceRow(BaseModel):
    """What one unit shows of a merge: the merged prompt's score less that of the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="who measured it; `retest`: a re-test on fresh plans")
    unit: str = Field(description="the plan, or what its source counts as independent")
    difference: float = Field(ge=-1, le=1, description="mean over models and replicates")


class MergeCheck(BaseModel):
    """What all rows so far show of a merge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: MergeState = Field(
        description="worse: shown to lose more than the margin; holds: shown not to; open: neither"
    )
    units: int = Field(description="rows that count: of equal source and unit the first")
    effect: float | None = Field(description="mean difference; None without a row")
    interval: Interval | None = Field(description="valid at all looks, each end at alpha")
    alpha: float = Field(description="chance of ever calling a merge worse that is not")
    margin: float = Field(description="the loss that the merge's policy accepted")
    log_e_worse: float = Field(description="most evidence so far for 'worse', as log of an e-value")
    log_e_holds: float = Field(description="most evidence so far against it, likewise")

    @property
    def text(self) -> str:
        """One sentence with its numbers."""
        if self.effect is None or self.interval is None:
            return self.sealed_text
        low, high = points(self.interval.low), points(self.interval.high)
        return f"{self.sealed_text[:-1]}: {points(self.effect)} points ({low} to {high})."

    @property
    def sealed_text(self) -> str:
        """The state without a figure of the plans."""
        loss = f"a loss of more than {self.margin * 100:g} points" if self.margin else "a loss"
        on = count(self.units, "fresh plan")
        if not self.units:
            return "Not tested on a fresh plan yet."
        if self.state == "worse":
            return f"Turned out worse: {on} show {loss}."
        if self.state == "holds":
            return f"Holds: {on} exclude {loss}."
        return f"Neither {loss} nor its absence is shown yet by {on}."


def check_merge(rows: Sequence[DifferenceRow], *, alpha: float, margin: float) -> MergeCheck:
    """The state of a merge after these rows, in the order in which they came.

    `margin` is the loss that is accepted: 0 after a merge that was shown better. Rows of any
    source join the same process. The state 'worse' stays: it holds once it was shown at any row.
    """
    first = {(row.source, row.unit): row.difference for row in reversed(rows)}
    order = dict.fromkeys((row.source, row.unit) for row in rows)
    values = np.array([first[key] for key in order], dtype=float)
    worse = _most(log_e_path(-values, margin))
    holds = _most(log_e_path(values, -margin))
    reached = -log(alpha)
    state: MergeState = "worse" if worse >= reached else "holds" if holds >= reached else "open"
    return MergeCheck(
        state=state,
        units=len(values),
        effect=float(values.mean()) if len(values) else None,
        interval=Interval(**confidence(values, alpha)._asdict()) if len(values) else None,
        alpha=alpha,
        margin=margin,
        log_e_worse=worse,
        log_e_holds=holds,
    )


def _most(path: np.ndarray) -> float:
    return max(0.0, float(path.max(initial=0.0)))
