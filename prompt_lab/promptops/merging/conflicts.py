"""The rules of conflicts between answers of parts. docs/promptops.md lists them in this order.

The same parts give the same decision. Whatever no rule can settle is left to the whole query.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from prompt_lab.analyze.words import tokens
from prompt_lab.promptops.merging.claims import AnswerClaim, find_cited, is_supported, list_claims
from prompt_lab.promptops.merging.records import ConflictCode, PartAnswer, PartConflict

WHOLE: Final = "whole"
LEAST_CONFIDENCE: Final = 0.3
"""Of a part. Below it, the whole query is the better guess."""
CLEARLY_SURER: Final = 0.2
"""Difference of confidence by which one of two claims without evidence stands."""


def find_faults(parts: Sequence[PartAnswer], wanted: Sequence[str]) -> tuple[PartConflict, ...]:
    """Why the whole query wins, whatever the parts say to each other; () where nothing does.

    `wanted` are the ids of the graph's nodes.
    """
    return tuple(_find_faults(parts, wanted))


def _find_faults(parts: Sequence[PartAnswer], wanted: Sequence[str]) -> Iterator[PartConflict]:
    there = {one.node_id for one in parts}
    for name in wanted:
        if name not in there:
            yield _leave(ConflictCode.MISSING, (name,), "it was not asked")
    for part in parts:
        if found := _find_fault(part):
            yield _leave(found[0], (part.node_id,), found[1])
    snapshots = sorted({one.snapshot for one in parts})
    if len(snapshots) > 1:
        names = tuple(one.node_id for one in parts)
        yield _leave(ConflictCode.MIXED_SNAPSHOTS, names, f"prompts of {', '.join(snapshots)}")


def _find_fault(part: PartAnswer) -> tuple[ConflictCode, str] | None:
    if part.error:
        return ConflictCode.FAILED, part.error
    if not tokens(part.text):
        return ConflictCode.UNANSWERED, "the answer holds no word"
    if part.question and tokens(part.text) == tokens(part.question):
        return ConflictCode.ECHO, "the answer is the question"
    unknown = [at for at in find_cited(part.text) if part.sources and not _is_there(part, at)]
    if unknown:
        return ConflictCode.UNKNOWN_CITATION, f"there is no source [{unknown[0]}]"
    if part.confidence < LEAST_CONFIDENCE:
        return ConflictCode.UNSURE, f"confidence {part.confidence:.2f}"
    return None


class Settled(NamedTuple):
    """A conflict, and the sentence that does not stand: (node, its text); None if both stay."""

    conflict: PartConflict
    dropped: tuple[str, str] | None


def settle_claims(parts: Sequence[PartAnswer]) -> tuple[Settled, ...]:
    """What the parts say against each other or twice, each pair of sentences with its decision."""
    said = [(part, claim) for part in parts for claim in list_claims(part.text)]
    pairs = combinations(said, 2)
    found = (_compare(a, x, b, y) for (a, x), (b, y) in pairs if a.node_id != b.node_id)
    return tuple(dict.fromkeys(one for one in found if one))


def _compare(a: PartAnswer, x: AnswerClaim, b: PartAnswer, y: AnswerClaim) -> Settled | None:
    names = (a.node_id, b.node_id)
    if _differ_in_subject(a, x, b, y):
        return None
    if x.words == y.words or (x.frame and (x.frame, x.value) == (y.frame, y.value)):
        code, kept, dropped = ConflictCode.DUPLICATE, a, (b.node_id, y.text)
    elif x.frame == y.frame and x.frame and x.value and y.value:
        return _settle(a, x, b, y)
    elif _holds(y.words, x.words):
        code, kept, dropped = ConflictCode.CONTAINED, b, (a.node_id, x.text)
    elif _holds(x.words, y.words):
        code, kept, dropped = ConflictCode.CONTAINED, a, (b.node_id, y.text)
    else:
        return None
    conflict = PartConflict(code=code, nodes=names, text=dropped[1], kept=kept.node_id)
    return Settled(conflict, dropped)


def _differ_in_subject(a: PartAnswer, x: AnswerClaim, b: PartAnswer, y: AnswerClaim) -> bool:
    """Whether each sentence answers its own question alone, and the questions differ.

    "It weighs 12 kg" and "It weighs 14 kg" agree where they answer for order 17 and order 18.
    """
    first, second = set(tokens(a.question)), set(tokens(b.question))
    own, other = first - second, second - first
    return bool(own and other) and not (other & set(x.words)) and not (own & set(y.words))


def _settle(a: PartAnswer, x: AnswerClaim, b: PartAnswer, y: AnswerClaim) -> Settled:
    """Two values of one thing: evidence decides, then clear confidence, else the whole query."""
    evidence = {a.sources[at - 1] for at in x.cited if _is_there(a, at)}
    other = {b.sources[at - 1] for at in y.cited if _is_there(b, at)}
    code = ConflictCode.NUMBERS if x.is_numeric else ConflictCode.VALUES
    if evidence & other:
        code = ConflictCode.CITATIONS
    text = f"{' '.join(x.frame)}: {' '.join(x.value)} against {' '.join(y.value)}"
    supported = (is_supported(x, a.sources), is_supported(y, b.sources))
    kept = WHOLE
    if supported[0] != supported[1]:
        kept = a.node_id if supported[0] else b.node_id
    elif not any(supported) and abs(a.confidence - b.confidence) >= CLEARLY_SURER:
        kept = a.node_id if a.confidence > b.confidence else b.node_id
    conflict = PartConflict(code=code, nodes=(a.node_id, b.node_id), text=text, kept=kept)
    losers = {a.node_id: (b.node_id, y.text), b.node_id: (a.node_id, x.text), WHOLE: None}
    return Settled(conflict, losers[kept])


def _holds(longer: Sequence[str], shorter: Sequence[str]) -> bool:
    return bool(shorter) and f" {' '.join(shorter)} " in f" {' '.join(longer)} "


def _is_there(part: PartAnswer, number: int) -> bool:
    return 1 <= number <= len(part.sources)


def _leave(code: ConflictCode, nodes: tuple[str, ...], text: str) -> PartConflict:
    return PartConflict(code=code, nodes=nodes, text=text, kept=WHOLE)
