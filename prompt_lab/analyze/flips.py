"""Pairs of runs that changed between the sides, and pairs whose outputs did not change at all."""

import re
from collections import defaultdict

from prompt_lab.analyze.evidence import RowPair, RunEvidence
from prompt_lab.analyze.model import Flip, Identical
from prompt_lab.names import Status
from prompt_lab.records import RunRow

STEP = 0.25
"""A pair is listed with its texts if its primary score changes by at least this much."""
_CHANGING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.:+Z-]*"
    r"|(?<=duration_seconds\": )[\d.]+",
    re.IGNORECASE,
)


def flips(evidence: RunEvidence) -> tuple[Flip, ...]:
    """Pairs that reached or lost the full score or validity, or moved by STEP; largest first."""
    found = [_flip(pair) for pair in evidence.pairs if _turned(pair)]
    return tuple(sorted(found, key=lambda flip: (-abs(flip.candidate - flip.baseline), flip.plan)))


def identical(evidence: RunEvidence) -> tuple[Identical, ...]:
    """Per model the pairs with equal outputs: a change without effect, or a cached answer."""
    by_model: dict[str, list[RowPair]] = defaultdict(list)
    for pair in evidence.pairs:
        if pair.baseline.outputs or pair.candidate.outputs:
            by_model[pair.baseline.record.model].append(pair)
    found = []
    for model, pairs in by_model.items():
        same = [
            pair
            for pair in pairs
            if _normalize_outputs(pair.baseline) == _normalize_outputs(pair.candidate)
        ]
        if same:
            found.append(
                Identical(
                    model=model, count=len(same), pairs=len(pairs), path=same[0].candidate.path
                )
            )
    return tuple(found)


def _turned(pair: RowPair) -> bool:
    before, after = pair.baseline.record, pair.candidate.record
    if before.valid != after.valid or before.status != after.status:
        return True
    full = (before.primary >= 1.0) != (after.primary >= 1.0)
    return full or abs(after.primary - before.primary) >= STEP


def _flip(pair: RowPair) -> Flip:
    before, after = pair.baseline.record, pair.candidate.record
    rank_before = (before.primary, before.status is Status.OK, before.valid)
    rank_after = (after.primary, after.status is Status.OK, after.valid)
    return Flip(
        model=before.model,
        plan=before.plan,
        replicate=before.replicate,
        baseline=before.primary,
        candidate=after.primary,
        baseline_path=pair.baseline.path,
        candidate_path=pair.candidate.path,
        better=rank_after > rank_before,
    )


def _normalize_outputs(row: RunRow) -> dict[str, str]:
    return {name: _CHANGING.sub("", text) for name, text in row.outputs.items()}
