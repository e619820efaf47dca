"""Chooses a variant for each call: the leader, and within a bound another one to learn about it.

Every choice is a function of seed, group, number of the choice and evidence: the same log gives
the same choices. Between two explored choices of a group lie at least 1/bound - 1 others, so no
window of any length holds more than its share, rounded up.
"""

import threading
from collections.abc import Sequence
from hashlib import blake2b
from math import ceil

from prompt_lab.config.promptops import SelectorConfig
from prompt_lab.promptops.selection.posterior import draw_challenger, rank_candidates
from prompt_lab.promptops.selection.records import (
    Ranking,
    Reason,
    SelectionContext,
    SelectionEvidence,
    VariantSelection,
)

MOST_CONTEXTS = 10_000
"""Groups whose choices are counted in memory; calls of further ones get the current text."""
EXPLORED_WHEN_DUE = 0.5
"""Share of the choices that are explored once the bound lets them: at random, so that no rhythm of
the traffic falls on one variant. The share in the long run lies below the bound by that."""
_SCALE = float(2**64)
_Key = tuple[str, str, float | None, float | None, str, tuple[str, ...]]


class _Turns:
    """Choices of one group so far, and how many of them since the last explored one."""

    __slots__ = ("number", "since")

    def __init__(self) -> None:
        self.number = 0
        self.since = 0


def _find_gap(share: float) -> int:
    """Choices from one explored one to the next; 0: never. A share too small to matter is none."""
    return ceil(1 / share) if share > 1e-9 else 0


class Selector:
    """The choices of one process. Thread-safe; `learn` takes in new evidence."""

    def __init__(self, config: SelectorConfig, evidence: SelectionEvidence | None = None) -> None:
        self.config = config
        self._gap = _find_gap(config.exploration)
        self._settled_gap = _find_gap(config.settled)
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, str], _Turns] = {}
        self.learn(evidence or SelectionEvidence())

    def learn(self, evidence: SelectionEvidence) -> None:
        """Rank by this evidence from now on."""
        self._groups, self._rankings = evidence.groups, dict[_Key, Ranking]()
        self.evidence_time = evidence.when

    def rank(self, context: SelectionContext, current: str, candidates: Sequence[str]) -> Ranking:
        """The ranking of a context, kept until new evidence comes."""
        group, limits = context.key, (context.max_latency_ms, context.max_cost_usd)
        rankings = self._rankings
        key = (context.prompt_id, group, *limits, current, tuple(candidates))
        found = rankings.get(key)
        if found is None:
            if len(rankings) >= MOST_CONTEXTS:
                rankings.clear()
            evidence = self._groups.get(context.prompt_id, {}).get(group, {})
            found = rankings[key] = rank_candidates(current, candidates, evidence, context)
        return found

    def choose(
        self, context: SelectionContext, current: str, candidates: Sequence[str]
    ) -> VariantSelection:
        """One choice among `candidates` (versions of the prompt) and the current text."""
        group = context.key
        number, since = self._count(context.prompt_id, group)
        if not number:
            return VariantSelection(current, current, "too_many_contexts", 0.0, 0, group)
        ranking = self.rank(context, current, candidates)
        sure, leader = ranking.confidence, ranking.leader
        if len(ranking.order) == 1:
            reason: Reason = "within_limits" if ranking.left_out else "only_one"
            return VariantSelection(leader, leader, reason, sure, number, group)
        gap = self._settled_gap if sure >= self.config.confidence else self._gap
        if gap and since >= gap:
            coin, place = self._draw(context.prompt_id, group, number)
            challenger = draw_challenger(ranking, place) if coin < EXPLORED_WHEN_DUE else ""
            if challenger and self._claim(context.prompt_id, group, gap):
                return VariantSelection(challenger, leader, "explored", sure, number, group)
        return VariantSelection(leader, leader, "ranked_first", sure, number, group)

    def _count(self, prompt_id: str, group: str) -> tuple[int, int]:
        """Number of this choice, and choices since the last explored one, this one included.

        (0, 0) where there are more groups than are counted.
        """
        with self._lock:
            turns = self._turns.get((prompt_id, group))
            if turns is None:
                if len(self._turns) >= MOST_CONTEXTS:
                    return 0, 0
                turns = self._turns[prompt_id, group] = _Turns()
            turns.number += 1
            turns.since += 1
            return turns.number, turns.since

    def _claim(self, prompt_id: str, group: str, gap: int) -> bool:
        """Take the group's next exploration; False where another thread has just taken it."""
        with self._lock:
            turns = self._turns[prompt_id, group]
            if turns.since < gap:
                return False
            turns.since = 0
            return True

    def _draw(self, prompt_id: str, group: str, number: int) -> tuple[float, float]:
        key = f"{self.config.seed}\0{prompt_id}\0{group}\0{number}".encode("utf-8", "replace")
        digest = blake2b(key, digest_size=16).digest()
        return int.from_bytes(digest[:8]) / _SCALE, int.from_bytes(digest[8:]) / _SCALE
