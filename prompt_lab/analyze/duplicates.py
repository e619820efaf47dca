"""Texts that nearly repeat another one of the same run, or another plan's."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process

from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.model import Duplicates
from prompt_lab.analyze.texts import Text
from prompt_lab.analyze.words import tokens, weight
from prompt_lab.names import Side

NEAR = 90.0
"""Similarity of characters in percent from which on a text repeats another."""
MIN_WORDS = 6
MOST_TEXTS = 400
_READ = 1000

Closest = tuple[int, float, int, int]
Allowed = Callable[[Text, Text], bool]


def duplicates(evidence: RunEvidence) -> tuple[Duplicates, ...]:
    """Near-duplicates inside one run's lists (plan given) and between plans (plan '')."""
    within: dict[tuple[Side, str, str, str], list[Text]] = defaultdict(list)
    across: dict[tuple[Side, str, str, str], list[Text]] = defaultdict(list)
    for text in evidence.texts:
        if weight(tokens(text.text)) >= MIN_WORDS:
            within[text.side, text.model, text.plan, text.field].append(text)
            across[text.side, text.model, "", text.field].append(text)
    found = [_group(key, texts, _same_run) for key, texts in within.items()]
    found += [_group(key, texts, _other_plan) for key, texts in across.items()]
    kept = [group for group in found if group is not None]
    return tuple(sorted(kept, key=lambda group: -group.count / group.total))


def _group(
    key: tuple[Side, str, str, str], texts: Sequence[Text], allowed: Allowed
) -> Duplicates | None:
    some = texts[:MOST_TEXTS]
    count, similarity, first, second = _closest(some, allowed)
    if not count:
        return None
    side, model, plan, field = key
    return Duplicates(
        side=side,
        model=model,
        plan=plan,
        field=field,
        count=count,
        total=len(some),
        similarity=similarity / 100,
        first=some[first].text,
        second=some[second].text,
        path=some[second].path,
    )


def _closest(texts: Sequence[Text], allowed: Allowed) -> Closest:
    """(texts that repeat an earlier one, the highest similarity, and where that pair stands)."""
    heads = [text.text[:_READ] for text in texts]
    near = process.cdist(heads, heads, scorer=fuzz.ratio, score_cutoff=NEAR, dtype=np.float32)
    repeats: set[int] = set()
    best: tuple[float, int, int] = (0.0, 0, 0)
    for earlier, later in np.argwhere(np.triu(near, k=1) >= NEAR).tolist():
        if not allowed(texts[earlier], texts[later]):
            continue
        repeats.add(later)
        best = max(best, (float(near[earlier, later]), -earlier, -later))
    return len(repeats), best[0], -best[1], -best[2]


def _same_run(first: Text, second: Text) -> bool:
    return first.path == second.path


def _other_plan(first: Text, second: Text) -> bool:
    return first.plan != second.plan
