"""Counts outcomes by group and variant, and forgets what was before a change.

A change is seen where the last results of a variant differ from its earlier ones by more than
chance allows. The whole group then begins again, as the restarts of Besson et al. (2022, "Efficient
change-point detection for tackling piecewise-stationary bandits", JMLR 23:77): what moved one
variant may have moved all.
"""

from collections import deque
from collections.abc import Iterable
from math import sqrt

from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.canary import read_result
from prompt_lab.promptops.selection.records import (
    GroupEvidence,
    SelectionEvidence,
    VariantEvidence,
    name_group,
)

RECENT = 100
"""Last results of a variant that are compared with its earlier ones."""
CHECKED_EVERY = 10
CHANGE_Z = 4.5
"""Standard errors of a change: about one false one in 100,000 checks."""


class _Mean:
    """A running mean; None before the first value."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.total, self.count = self.total + value, self.count + 1

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class _History:
    """Results of one variant: those before the last RECENT as counts, and these one by one."""

    def __init__(self, recent: Iterable[float] = ()) -> None:
        self.recent: deque[float] = deque(recent)
        self.sum_recent = sum(self.recent)
        self.sum_older, self.older, self.seen = 0.0, 0, 0

    def add(self, result: float) -> None:
        self.seen += 1
        self.recent.append(result)
        self.sum_recent += result
        if len(self.recent) > RECENT:
            first = self.recent.popleft()
            self.sum_recent -= first
            self.sum_older, self.older = self.sum_older + first, self.older + 1

    def has_changed(self) -> bool:
        """Whether the last results are others than the earlier ones, beyond chance."""
        if self.older < RECENT or self.seen % CHECKED_EVERY:
            return False
        mean = (self.sum_older + self.sum_recent) / (self.older + RECENT)
        error = sqrt(mean * (1 - mean) * (1 / self.older + 1 / RECENT))
        gap = abs(self.sum_older / self.older - self.sum_recent / RECENT)
        return gap > CHANGE_Z * error > 0


class GroupCounter:
    """The outcomes of one group of calls, added in the order of time."""

    def __init__(self) -> None:
        self._histories: dict[str, _History] = {}
        self._latency: dict[str, _Mean] = {}
        self._cost: dict[str, _Mean] = {}
        self.changes = 0

    def add(
        self,
        variant: str,
        result: float,
        *,
        latency_ms: float | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Count one call; `result` in [0, 1]."""
        history = self._histories.setdefault(variant, _History())
        history.add(result)
        self._latency.setdefault(variant, _Mean()).add(latency_ms)
        self._cost.setdefault(variant, _Mean()).add(cost_usd)
        if history.has_changed():
            self.changes += 1
            self._histories = {variant: _History(list(history.recent)[RECENT // 2 :])}

    def read(self) -> GroupEvidence:
        """What is known of each variant now."""
        found = {}
        for variant, latency in self._latency.items():
            history = self._histories.get(variant, _History())
            calls = history.older + len(history.recent)
            successes = history.sum_older + history.sum_recent
            found[variant] = VariantEvidence(
                successes=round(successes, 6),
                failures=round(calls - successes, 6),
                latency_ms=latency.value,
                cost_usd=self._cost[variant].value,
            )
        return found


def count_evidence(outcomes: Iterable[CallOutcome], when: str = "") -> SelectionEvidence:
    """The evidence of all outcomes with a variant and a result; the same in whatever order."""
    counters: dict[tuple[str, str], GroupCounter] = {}
    rows = [one for one in outcomes if one.prompt_id and one.variant]
    for one in sorted(rows, key=lambda row: (row.when, row.trace)):
        result = read_result(one)
        if result is None:
            continue
        group = name_group(one.task_class, one.model, one.confidence)
        counter = counters.setdefault((one.prompt_id, group), GroupCounter())
        counter.add(one.variant, result, latency_ms=one.latency_ms, cost_usd=one.cost_usd)
    groups: dict[str, dict[str, GroupEvidence]] = {}
    for (prompt_id, group), counter in sorted(counters.items()):
        groups.setdefault(prompt_id, {})[group] = counter.read()
    return SelectionEvidence(when=when, groups=groups)
