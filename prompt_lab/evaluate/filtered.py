"""Answers that a provider withheld on one side alone: a reason that a score does not show."""

from collections import Counter
from collections.abc import Sequence

from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.evaluate.pairs import paired_rows
from prompt_lab.names import Side
from prompt_lab.records import RunRow

_WORDS = {
    "content_filter": "a content filter of the provider withheld the answer",
    "refusal": "the model refused to answer",
}


def one_sided_filter(rows: Sequence[RunRow]) -> Reason | None:
    """The finding that answers were withheld on one side and never on the other, over the pairs.

    The kind that hit most runs; None where no kind hits one side only.
    """
    paired = paired_rows(rows)
    of_side = Counter(row.record.side for row in paired)
    hit: Counter[tuple[str, Side]] = Counter()
    for row in paired:
        if row.record.error is not None and row.record.error.kind in _WORDS:
            hit[row.record.error.kind, row.record.side] += 1
    for (kind, side), number in hit.most_common():
        other = next(one for one in Side if one is not side)
        if of_side[other] and not hit[kind, other]:
            text = (
                f"{kind} hits the {side.value} alone: in {number} of {of_side[side]} of its runs"
                f" {_WORDS[kind]}, in none of the {of_side[other]} of the {other.value}."
            )
            facts = {"kind": kind, "side": side.value, "runs": f"{number} of {of_side[side]}"}
            return Reason(code=Code.ONE_SIDED_FILTER, text=text, facts=facts)
    return None


def find_filter(train: Sequence[RunRow], verify: Sequence[RunRow]) -> Reason | None:
    """The same of the train plans; of the verify plans, which may be sealed, without a number."""
    found = one_sided_filter(train)
    if found is not None:
        return found
    hidden = one_sided_filter(verify)
    if hidden is None:
        return None
    kind, side = hidden.facts["kind"], hidden.facts["side"]
    text = f"{kind} hits the {side} alone on the verify plans, where {_WORDS[kind]}."
    return Reason(code=hidden.code, text=text, facts={"kind": kind, "side": side})
