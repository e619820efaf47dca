"""Keys do not get into files: known ones by their value, others by their shape or their name."""

import json
import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "[key]"
SHORTEST = 6
"""A key with fewer characters would be found in ordinary words."""
_NAMES = r"(?:api[_-]?key|x-api-key|authorization|access[_-]?token|client[_-]?secret|password)"
_VALUE = r'\s*:\s*\\?")((?:[^"\\]|\\[^"])*)'
_SHAPES = [
    (("sk-",), re.compile(r"\bsk-[A-Za-z0-9_-]{12,}")),
    (("bearer ",), re.compile(r"(\b[Bb]earer )[A-Za-z0-9._~+/=-]{8,}")),
    (("aiza",), re.compile(r"\bAIza[0-9A-Za-z_-]{30,}")),
    (("ghp_", "gho_", "ghs_", "github_pat_"), re.compile(r"\b(?:gh[pos]|github_pat)_\w{20,}")),
    (("hf_",), re.compile(r"\bhf_[A-Za-z0-9]{20,}")),
    (("xox",), re.compile(r"\bxox[abp]-[A-Za-z0-9-]{10,}")),
    (("akia",), re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    (
        ("key=", "token="),
        re.compile(r"([?&](?:api_?key|key|access_token|token)=)[^&\s\"'\\#]+", re.IGNORECASE),
    ),
    (
        ("key", "authorization", "token", "secret", "password"),
        re.compile(rf'(\\?"{_NAMES}\\?"{_VALUE}', re.IGNORECASE),
    ),
]
_MARKED = [(marker, shape) for markers, shape in _SHAPES for marker in markers]
"""Looking for a word is cheap; looking for a shape is not."""


class Redactor:
    """`known` are the values of keys; empty and very short ones are left alone."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted({k for k in known if len(k) >= SHORTEST}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without known keys and without anything that looks like one.

        >>> Redactor(["top-secret"]).text('top-secret https://x/?key=abc "api_key": "me"')
        '[key] https://x/?key=[key] "api_key": "[key]"'
        """
        text = self.known_in(text)
        lower = text.lower()
        for marker, shape in _MARKED:
            if marker in lower:
                text = shape.sub(_hide, text)
        return text

    def found(self, text: str) -> frozenset[str]:
        """What `text` would hide of a text, each with the words that make it a key.

        >>> sorted(Redactor(["top-secret"]).found('top-secret https://x/?key=abc'))
        ['?key=abc', 'top-secret']
        """
        known = {key for key in self._known if key in text}
        lower = text.lower()
        shaped = (s.finditer(text) for marker, s in _MARKED if marker in lower)
        return frozenset(known | {one[0] for found in shaped for one in found})

    def body(self, body: dict[str, Any]) -> dict[str, Any]:
        """The same for an object of JSON."""
        text = json.dumps(body, ensure_ascii=False)
        shown = self.text(text)
        found: dict[str, Any] = body if shown == text else json.loads(shown)
        return found

    def known_in(self, text: str) -> str:
        """A text without the keys themselves."""
        for key in self._known:
            text = text.replace(key, HIDDEN)
        return text

    def known(self, data: bytes) -> bytes:
        """An answer without the keys themselves; what a model made up stays as it is."""
        for key in self._known:
            data = data.replace(key.encode(), HIDDEN.encode())
        return data


def _hide(found: re.Match[str]) -> str:
    return (found[1] if found.re.groups else "") + HIDDEN
