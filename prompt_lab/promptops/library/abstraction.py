"""Replaces what belongs to one case by placeholders: quotes, dates, codes, numbers and names.

Entities are found by their form, in any language. Names are words with a capital within a sentence;
where a language writes many words so, as German does, only two or more in a row. Scripts without
capitals have no such form: names in them stay, and the guard's check against the plans is what
finds them. Placeholders, numbers of list items and the spans of the manifest are kept.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.placeholders import find_placeholders

MANY_CAPITALS: Final = 0.12
"""Share of words with a capital within a sentence from which one of them alone is no name."""
ENTITY: Final = re.compile(r"\{\{(?:QUOTE|DATE|CODE|NUMBER|NAME)_[0-9]+\}\}")
_CASED = "A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
"""Letters of scripts with capitals, of which codes are made."""
_KEEP = r"^[ \t]*\d+[.)](?=\s)"
_SHAPES: Final = (
    r"(?P<QUOTE>\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»"
    r"|「[^」\n]{1,300}」|『[^』\n]{1,300}』)"
    r"|(?P<DATE>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)"
    r"|\d{2,4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d))"
    rf"|(?P<CODE>(?<![{_CASED}\d_{{])(?=[{_CASED}/-]*\d)(?=[\d/-]*[{_CASED}])"
    rf"[{_CASED}\d][{_CASED}\d/-]*)"
    r"|(?P<NUMBER>\d+(?:[.,'\u00a0\u202f ]\d+)*)"
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_WITHIN: Final = re.compile(r"[\w,)\]}]['’]?[ ]+$")


class AbstractedText(NamedTuple):
    """A text with placeholders, and how many different entities of each kind it held."""

    text: str
    entities: dict[str, int]


class _Names:
    """Gives each entity its placeholder; equal ones get the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self.counts: dict[str, int] = {}

    def replace(self, kind: str, value: str) -> str:
        key = kind, value.casefold()
        if key not in self._known:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self._known[key] = f"{{{{{kind}_{self.counts[kind]}}}}}"
        return self._known[key]


def abstract_text(text: str, manifest: PromptManifest | None = None) -> AbstractedText:
    """The text with its entities replaced.

    >>> abstract_text('Ask for order 77 of Ada Lovelace, as in "77 is late".').text
    'Ask for order {{NUMBER_1}} of {{NAME_1}}, as in {{QUOTE_1}}.'
    """
    kept = sorted({*find_placeholders(text), *_list_spans(manifest)}, key=len, reverse=True)
    names = _Names()
    shapes = "|".join((*map(re.escape, kept), _KEEP))
    pattern = re.compile(f"(?P<KEEP>{shapes})|{_SHAPES}", re.MULTILINE)

    def replace(found: re.Match[str]) -> str:
        kind = found.lastgroup or "KEEP"
        return found[0] if kind == "KEEP" else names.replace(kind, found[0])

    done = pattern.sub(replace, text)
    places = [
        (*place, names.replace("NAME", done[slice(*place)])) for place in _find_names(done, kept)
    ]
    for begin, end, name in reversed(places):
        done = done[:begin] + name + done[end:]
    return AbstractedText(done, dict(sorted(names.counts.items())))


def split_entities(text: str) -> list[str]:
    """The text cut at the placeholders of entities: every second piece is one.

    >>> split_entities("Ask for order {{NUMBER_1}}.")
    ['Ask for order ', '{{NUMBER_1}}', '.']
    """
    return re.split(f"({ENTITY.pattern})", text)


def _find_names(text: str, kept: Iterable[str]) -> list[tuple[int, int]]:
    """Places of names, in the order of the text."""
    hidden = re.sub(
        "|".join((*map(re.escape, kept), ENTITY.pattern)), lambda one: "}" * len(one[0]), text
    )
    hidden = re.sub(_KEEP, lambda one: "." * len(one[0]), hidden, flags=re.MULTILINE)
    words = list(_WORD.finditer(hidden))
    runs: list[list[re.Match[str]]] = []
    for word in words:
        follows = bool(runs) and hidden[runs[-1][-1].end() : word.start()] == " "
        if not _is_capitalized(word[0]):
            continue
        if follows:
            runs[-1].append(word)
        elif _WITHIN.search(hidden[max(0, word.start() - 8) : word.start()]):
            runs.append([word])
    capitals = sum(map(len, runs))
    least = 2 if capitals > max(3, MANY_CAPITALS * len(words)) else 1
    return [(run[0].start(), run[-1].end()) for run in runs if len(run) >= least]


def _is_capitalized(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and any(char.islower() for char in word[1:])


def _list_spans(manifest: PromptManifest | None) -> tuple[str, ...]:
    if manifest is None:
        return ()
    limits = manifest.constraints
    return tuple(one for one in (*limits.required, *limits.output_contract) if one)
