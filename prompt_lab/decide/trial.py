"""A trial asks for pairs look by look, and stops as soon as they settle it."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from prompt_lab.decide.adjust import adjusted, centered_difficulty
from prompt_lab.decide.conclude import conclude
from prompt_lab.decide.effect import Sample, TestResult, any_look, last_look
from prompt_lab.decide.evidence import Evidence
from prompt_lab.decide.looks import Design, design, run_looks
from prompt_lab.decide.margin import losses_of
from prompt_lab.decide.pairs import Pair, RunCell, ScoreTable, merge, snap_ties, tabulate
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reason_order import FAILED_GUARDS_FIRST
from prompt_lab.decide.result import ReasonOrder, Verdict
from prompt_lab.decide.simpler import margin_of
from prompt_lab.errors import LabError


class Trial:
    """The looks of one candidate, planned before its first run.

    Plans are taken in an order that the policy's seed decides, each with all its models and
    replicates; from rule 3 on, each look takes equal shares of easy and hard
    plans. A trial that is built again and given all pairs so far is in the same state, so a task
    may forget it between two batches and an old verdict can be computed again.
    """

    def __init__(
        self,
        policy: Policy,
        models: Sequence[str],
        plans: Sequence[str],
        evidence: Evidence | None = None,
    ) -> None:
        self.policy = policy
        self.models = tuple(sorted(set(models)))
        self.evidence = evidence or Evidence()
        ordered = shuffled(plans, policy.seed)
        if policy.seals:
            ordered = stratified(ordered, self.evidence.baseline, policy.looks)
        self.plans = ordered[: policy.max_plans]
        self._pairs: dict[RunCell, Pair] = {}
        self._verdict: Verdict | None = None
        self._order: ReasonOrder = FAILED_GUARDS_FIRST

    @property
    def design(self) -> Design:
        """After how many plans it looks, and the boundary of each look."""
        return design(max(len(self.plans), 1), self.policy)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, once there is one."""
        return self._verdict

    @property
    def plans_asked_for(self) -> tuple[str, ...]:
        """The plans up to the look that decided; before there is a verdict, up to the next one."""
        counts = self.design.counts
        if self._verdict is not None:
            return self.plans[: counts[self._verdict.look - 1]]
        return self.plans[: counts[self._looks_done()]]

    def next_batch(self) -> list[RunCell]:
        """What to run next, on both sides: the cells up to the next look that have no pair yet.

        Empty once the trial has its verdict.
        """
        if self._verdict is not None or not (self.plans and self.models):
            return []
        return [
            cell for cell in self._cells(0, len(self.plans_asked_for)) if cell not in self._pairs
        ]

    def update(self, pairs: Iterable[Pair]) -> Verdict | None:
        """Add pairs and take every look that is complete: the verdict, or None for 'go on'.

        A pair that lacks a side counts as delivered. Pairs of plans beyond the look that decides
        are kept and not judged. Raises LabError for a pair that the trial never asks for.
        """
        known = merge(self._pairs, pairs)
        for cell in known.keys() - self._pairs.keys() - set(self._cells(0, len(self.plans))):
            raise LabError(
                f"this trial never asks for plan {cell.plan!r} with model {cell.model!r}, replicate"
                f" {cell.replicate}: it is not one of its plans and models"
            )
        self._pairs = known
        done = self._looks_done()
        if self._verdict is None and (done or not (self.plans and self.models)):
            self._verdict = self._look(done, self.evidence)
        return self._verdict

    def close(self) -> Verdict:
        """The verdict where no more runs will come: what was not run counts as missing."""
        cells = self._cells(0, len(self.plans))
        missing = [Pair(*cell, None, None) for cell in cells if cell not in self._pairs]
        verdict = self._verdict or self.update(missing)
        if verdict is None:
            raise ValueError("the trial is whole, yet has no verdict")
        return verdict

    def conclude_with(
        self, evidence: Evidence, order: ReasonOrder = FAILED_GUARDS_FIRST
    ) -> Verdict:
        """The verdict again with other evidence, as with the verify pairs it asked for.

        The looks stay as they were. `order` is that of the recorded verdict where an older one is
        computed again. Raises ValueError before there is a verdict.
        """
        self._order = order
        verdict = self._look(self._looks_done(), evidence)
        if verdict is None:
            raise ValueError("the trial has no verdict yet; give update() the pairs it asks for")
        self._verdict = verdict
        return verdict

    def _look(self, done: int, evidence: Evidence) -> Verdict | None:
        if self.policy.mode == "anytime":
            return self._look_anytime(done, evidence)
        counts = self.design.counts
        sample = self._sample(self._table(counts[done - 1] if done else 0))
        margin = margin_of(self.policy, self.evidence.lengths)
        stop = run_looks(sample.values, self.design, self.policy, margin, sample.losses)
        if done and stop.why == "open":
            return None
        table = self._table(stop.plans)
        finding = last_look(self._sample(table), self.policy, stop, self.design)
        return self._conclude(table, finding, evidence)

    def _look_anytime(self, done: int, evidence: Evidence) -> Verdict | None:
        counts = self.design.counts
        for look in range(1 if done else 0, done + 1):
            table = self._table(counts[look - 1] if look else 0)
            finding = any_look(self._sample(table), self.policy, look, len(counts))
            if finding.why != "end" or look in (0, len(counts)):
                return self._conclude(table, finding, evidence)
        return None

    def _conclude(self, table: ScoreTable, finding: TestResult, evidence: Evidence) -> Verdict:
        return conclude(table, finding, self.policy, evidence, self._planned, order=self._order)

    @property
    def _planned(self) -> int:
        return len(self.plans) * len(self.models) * self.policy.replicates

    def _sample(self, table: ScoreTable) -> Sample:
        centred = None
        if self.policy.adjust == "difficulty":
            centred = centered_difficulty(self.plans, self.evidence.difficulty)
        count = len(table.plans)
        known_here = None if centred is None else centred[:count]
        values = adjusted(table.values, known_here, self.design.counts)
        return Sample(
            table.means, snap_ties(values, self.policy.tie), losses_of(table, self.policy)
        )

    def _table(self, plans: int) -> ScoreTable:
        names = self.plans[:plans]
        chosen = set(names)
        pairs = [pair for cell, pair in self._pairs.items() if cell.plan in chosen]
        policy = self.policy
        return tabulate(pairs, self.models, names, tie=policy.tie, one_sided=policy.seals)

    def _looks_done(self) -> int:
        whole = 0
        for at in range(len(self.plans)):
            if any(cell not in self._pairs for cell in self._cells(at, at + 1)):
                break
            whole += 1
        return sum(count <= whole for count in self.design.counts) if self.models else 0

    def _cells(self, first: int, last: int) -> list[RunCell]:
        return [
            RunCell(model, plan, replicate)
            for plan in self.plans[first:last]
            for replicate in range(self.policy.replicates)
            for model in self.models
        ]


def shuffled(plans: Iterable[str], seed: int) -> tuple[str, ...]:
    """The plans in an order that only their names and the seed decide."""
    return tuple(sorted(set(plans), key=lambda p: sha256(f"{seed}\n{p}".encode()).hexdigest()))


def stratified(plans: Sequence[str], baseline: Mapping[str, float], looks: int) -> tuple[str, ...]:
    """The plans with easy and hard ones in equal shares among the `looks` parts of the order.

    `baseline` is the mean score of each plan before the trial; plans without one are spread as if
    they were a difficulty of their own. Plans of equal score keep the order of `plans`, which the
    seed decided. Of each `looks` plans that are next to each other in difficulty, one goes to each
    part; which one, the order of `plans` decides.
    """
    if not any(plan in baseline for plan in plans):
        return tuple(plans)
    place = {plan: at for at, plan in enumerate(plans)}
    by_score = sorted(plans, key=lambda plan: (baseline.get(plan, 2.0), place[plan]))
    parts: list[list[str]] = [[] for _ in range(looks)]
    for first in range(0, len(by_score), looks):
        block = sorted(by_score[first : first + looks], key=place.__getitem__)
        for at, plan in enumerate(block):
            parts[at].append(plan)
    return tuple(plan for part in parts for plan in sorted(part, key=place.__getitem__))
