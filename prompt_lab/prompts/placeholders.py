"""Placeholders as a text spells them: Jinja and double braces, single braces, and snippets."""

import re
from collections.abc import Iterable

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

_NAME = r"[^\W\d]\w*"
_SHAPES = re.compile(
    rf"\{{\{{-?\s*{_NAME}[^{{}}\n]*\}}\}}"  # {{NAME}}, {{ name | trim }}
    r"|\{%-?[^{}\n]*-?%\}"  # {% if name %}
    rf"|(?<!\{{)\{{{_NAME}\}}(?!\}})"  # {name}
    r"|@@@[^@\s][^@\n]*@@@"  # @@@snippet@@@
)
ALTERED_BY = 3
"""Edits within which a spelling is taken for a placeholder that was altered."""


def find_placeholders(text: str) -> list[str]:
    """Every placeholder in the order of the text, as it is spelled; the braces of JSON are none.

    >>> find_placeholders('{{A}} {b} {% if c %} @@@d@@@ {"e": 1} {}')
    ['{{A}}', '{b}', '{% if c %}', '@@@d@@@']
    """
    return [match[0] for match in _SHAPES.finditer(text)]


def count_exactly(placeholder: str, text: str) -> int:
    """How often a placeholder occurs in a text, one in braces of its own left out.

    >>> count_exactly("{a}", "{a} {{a}} {a}"), count_exactly("{{A}}", "{{{A}}}")
    (2, 0)
    """
    return len(re.findall(rf"(?<!\{{){re.escape(placeholder)}(?!\}})", text))


def find_altered(placeholder: str, text: str) -> str:
    """The part of a text that is this placeholder but for a few characters; '' where none is.

    >>> find_altered("{{PLAYBOOKS}}", "Use {{PLAYBOOK}} now."), find_altered("{{PLAYBOOKS}}", "No.")
    ('{{PLAYBOOK}}', '')
    """
    shaped = [one for one in find_placeholders(text) if one != placeholder]
    near = _nearest(placeholder, shaped)
    if near:
        return near
    found = fuzz.partial_ratio_alignment(placeholder, text) if text else None
    if found is None:
        return ""
    part = text[found.dest_start : found.dest_end]
    return part if Levenshtein.distance(placeholder, part) <= ALTERED_BY else ""


def _nearest(placeholder: str, others: Iterable[str]) -> str:
    def distance(one: str) -> int:
        return Levenshtein.distance(placeholder.casefold(), one.casefold())

    best = min(others, key=distance, default="")
    return best if best and distance(best) <= ALTERED_BY else ""
