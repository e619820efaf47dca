"""One answer of the answers of parts: a pure function, equal parts give an equal answer."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from prompt_lab.promptops.expectations import measure_grounding
from prompt_lab.promptops.merging.claims import CITATION, find_cited, list_claims
from prompt_lab.promptops.merging.conflicts import WHOLE, find_faults, settle_claims
from prompt_lab.promptops.merging.records import (
    MergedAnswer,
    PartAnswer,
    PartProvenance,
)

UNSUPPORTED: Final = 0.5
"""The highest confidence of an answer that was given no source."""


def align_confidence(
    text: str, sources: Sequence[str], question: str = "", stated: float = 1.0
) -> float:
    """The confidence of an answer: what was stated, but never above the share in its sources.

    Without any source nothing supports it: UNSUPPORTED at most.

    >>> align_confidence("Order 17 weighs 12 kg", ["Order 17 weighs 12 kg."])
    1.0
    >>> align_confidence("It weighs 99 kg", ["Order 17 weighs 12 kg."])
    0.0
    """
    grounding = measure_grounding(CITATION.sub("", text), sources, question)
    return min(stated, UNSUPPORTED if grounding is None else grounding)


def merge_answers(
    parts: Sequence[PartAnswer], whole: PartAnswer, wanted: Sequence[str] = ()
) -> MergedAnswer:
    """The parts in the order of the query; the whole query's answer where a rule says so.

    Where the whole query has no answer either, what the parts have is kept. `wanted` are the ids of
    the graph's nodes, by default those of the parts.
    """
    faults = find_faults(parts, wanted or [one.node_id for one in parts])
    sound = [one for one in parts if not one.error]
    settled = settle_claims(sound)
    conflicts = faults + tuple(one.conflict for one in settled)
    loses = not parts or any(one.kept == WHOLE for one in conflicts)
    answers = [one for one in sound if _is_answered(one)]
    is_fallback = loses and (_is_answered(whole) or not answers)
    used = [whole] if is_fallback else answers
    sources = tuple(dict.fromkeys(text for one in used for text in one.sources))
    dropped = {one.dropped for one in settled if one.dropped and not is_fallback}
    lines = [_render_part(one, dropped, sources) for one in used]
    return MergedAnswer(
        text="\n".join(line for line in lines if line),
        parts=tuple(parts),
        provenance=tuple(_trace(one, sources) for one in used),
        sources=sources,
        fallback_used=is_fallback,
        conflicts=conflicts,
        cost_usd=sum(one.cost_usd for one in (*parts, whole)),
    )


def _is_answered(part: PartAnswer) -> bool:
    return not part.error and bool(part.text.strip())


def _render_part(
    part: PartAnswer, dropped: Collection[tuple[str, str]], sources: Sequence[str]
) -> str:
    text = part.text.strip()
    if any(name == part.node_id for name, _ in dropped):
        claims = list_claims(text)
        text = " ".join(one.text for one in claims if (part.node_id, one.text) not in dropped)
    return _renumber(text, part.sources, sources)


def _renumber(text: str, own: Sequence[str], merged: Sequence[str]) -> str:
    """The text with each citation by its number in the merged list of sources."""

    def write(match: re.Match[str]) -> str:
        numbers = [int(one) for one in re.findall(r"\d+", match[1])]
        found = [merged.index(own[at - 1]) + 1 for at in numbers if 1 <= at <= len(own)]
        return f" [{', '.join(map(str, found))}]" if found else match[0]

    return CITATION.sub(write, text)


def _trace(part: PartAnswer, sources: Sequence[str]) -> PartProvenance:
    cited = [at for at in find_cited(part.text) if 1 <= at <= len(part.sources)]
    numbers = cited or range(1, len(part.sources) + 1)
    return PartProvenance(
        node_id=part.node_id,
        prompt_id=part.prompt_id,
        snapshot=part.snapshot,
        confidence=part.confidence,
        sources=tuple(dict.fromkeys(sources.index(part.sources[at - 1]) + 1 for at in numbers)),
    )
