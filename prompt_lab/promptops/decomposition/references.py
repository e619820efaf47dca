"""Which clauses stand on their own: by parallel structure, without any list of words.

Pronouns have no form of their own in every language. A clause is taken to stand on its own only if
it is the clause before it with other names or numbers in the same places: a pronoun there would
make both ask the same.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from prompt_lab.analyze.words import Word, split_words, weight

LEAST_SHARED: Final = 0.5
"""Share of the words of the longer clause that both have in the same order."""
LONGEST_SLOT: Final = 4.0
MOST_SLOTS: Final = 2
LEAST_PLAIN: Final = 4
"""Letters of a filler without capital or digit in a script with spaces."""
LEAST_UNSPACED: Final = 2


class Slot(NamedTuple):
    """The words that differ at one place, as each clause spells them."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    at_start: bool


def are_parallel(clauses: Sequence[str]) -> bool:
    """Whether each clause is the first one with other names or numbers in the same places.

    >>> are_parallel(["What is the capital of Norway?", "What is the capital of Finland?"])
    True
    >>> are_parallel(["How many people live in Oslo?", "How many people live there?"])
    False
    """
    if len(clauses) < 2:
        return False
    first, *others = clauses
    fillers = [_find_fillers(first, other) for other in others]
    return all(fillers) and len(set(fillers)) == len(fillers)


def _find_fillers(first: str, second: str) -> tuple[tuple[str, ...], ...]:
    """What fills the slots of the second clause; () where the two are not parallel."""
    slots = find_slots(first, second)
    if not slots or len(slots) > MOST_SLOTS:
        return ()
    is_sound = all(_is_named(one) for one in slots)
    is_plain = len(slots) == 1 and _is_plain(slots[0])
    return tuple(one.second for one in slots) if is_sound or is_plain else ()


def find_slots(first: str, second: str) -> tuple[Slot, ...]:
    """Where two clauses differ; () where they are equal or share too little.

    One word alone before the second clause is a joining word, and no difference.
    """
    a, b = split_words(first), split_words(second)
    matcher = SequenceMatcher(None, [w.text for w in a], [w.text for w in b], autojunk=False)
    shared = sum(
        weight([w.text for w in a[block.a : block.a + block.size]])
        for block in matcher.get_matching_blocks()
    )
    longest = max(weight([w.text for w in words]) for words in (a, b)) if a and b else 0.0
    if not longest or shared < LEAST_SHARED * longest:
        return ()
    slots = []
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal" or (tag == "insert" and b0 == 0 and b1 == 1):
            continue
        slots.append(Slot(_spell(first, a[a0:a1]), _spell(second, b[b0:b1]), a0 == 0))
    return tuple(slots)


def _spell(text: str, words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(text[one.start : one.end] for one in words)


def _is_named(slot: Slot) -> bool:
    """Whether both fillers are names or numbers: a capital within the clause, or a digit."""
    sizes = [weight(side) for side in (slot.first, slot.second) if side]
    if len(sizes) < 2 or max(sizes) > LONGEST_SLOT:
        return False
    return all(_has_anchor(side, at_start=slot.at_start) for side in (slot.first, slot.second))


def _has_anchor(words: Sequence[str], *, at_start: bool) -> bool:
    inner = words[1:] if at_start else words
    return any(one[:1].isupper() for one in inner) or any(
        char.isdigit() for one in words for char in one
    )


def _is_plain(slot: Slot) -> bool:
    """Whether the fillers are alike in form: as many words, and none as short as a pronoun."""
    sides = (slot.first, slot.second)
    if not all(sides) or any(weight(side) > LONGEST_SLOT for side in sides):
        return False
    if any(_has_anchor(side, at_start=slot.at_start) for side in sides):
        return all(_has_anchor(side, at_start=slot.at_start) for side in sides)
    lengths = [sum(map(len, side)) for side in sides]
    if all(weight(side) < len(side) for side in sides):  # a script without spaces
        return min(lengths) >= LEAST_UNSPACED
    return len(slot.first) == len(slot.second) and min(lengths) >= LEAST_PLAIN
