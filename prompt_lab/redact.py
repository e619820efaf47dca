"""Keys do not get into files: known ones by their value, others by their shape or their name."""

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

HIDDEN = "[key]"
SHORTEST = 6
"""A key with fewer characters would be found in ordinary words."""
APART = 12
"""A shorter key that is looked for with white space in it would be found in ordinary words."""
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
"""Where no letter and no digit stands; `_` is often what ties a key to its name."""
_NAMES = r"(?:api[_-]?key|x-api-key|authorization|access[_-]?token|client[_-]?secret|password)"
_VALUE = r'\s*:\s*\\?")((?:[^"\\]|\\[^"])*)'
_SHAPES = [
    (("sk-",), re.compile(rf"{_START}sk-[A-Za-z0-9_-]{{12,}}")),
    (("bearer ",), re.compile(rf"({_START}[Bb]earer )[A-Za-z0-9._~+/=-]{{8,}}")),
    (("aiza",), re.compile(rf"{_START}AIza[0-9A-Za-z_-]{{30,}}")),
    (
        ("ghp_", "gho_", "ghs_", "github_pat_"),
        re.compile(rf"{_START}(?:gh[pos]|github_pat)_\w{{20,}}"),
    ),
    (("hf_",), re.compile(rf"{_START}hf_[A-Za-z0-9]{{20,}}")),
    (("xox",), re.compile(rf"{_START}xox[abp]-[A-Za-z0-9-]{{10,}}")),
    (("akia",), re.compile(rf"{_START}AKIA[0-9A-Z]{{16}}{_END}")),
    (
        ("key=", "token="),
        re.compile(r"([?&](?:api_?key|key|access_token|token)=)[^&\s\"'\\#]+", re.IGNORECASE),
    ),
    (
        (
            *("apikey", "api_key", "api-key", "authorization", "password"),
            *("accesstoken", "access_token", "access-token"),
            *("clientsecret", "client_secret", "client-secret"),
        ),
        re.compile(rf'(\\?"{_NAMES}\\?"{_VALUE}', re.IGNORECASE),
    ),
]
_MARKED = [(marker, shape) for markers, shape in _SHAPES for marker in markers]
"""Looking for a word is cheap; looking for a shape is not."""
_SPELLED = [pair for pair in _MARKED if not pair[1].groups]
"""Of these, what is a key by its own letters, whatever stands before it."""


class Redactor:
    """`known` are the values of keys; empty and very short ones are left alone."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted({k for k in known if len(k) >= SHORTEST}, key=len, reverse=True)
        squeezed = {_squeezed(key): key for key in self._known}
        self._apart = {short: key for short, key in squeezed.items() if len(short) >= APART}

    def text(self, text: str) -> str:
        """The text without known keys and without anything that looks like one.

        White space, a line's end too, keeps no known key of `APART` characters from being found.

        >>> Redactor(["top-secret"]).text('top-secret https://x/?key=abc "api_key": "me"')
        '[key] https://x/?key=[key] "api_key": "[key]"'
        """
        text = self.known_in(text)
        for short in self._split_in(text):
            text = re.sub(r"\s*".join(map(re.escape, short)), HIDDEN, text)
        lower = text.lower()
        for marker, shape in _MARKED:
            if marker in lower:
                text = shape.sub(_mask, text)
        return text

    def find_secrets(self, text: str) -> frozenset[str]:
        """What `text` would hide of a text, each with the words that make it a key.

        >>> sorted(Redactor(["top-secret"]).find_secrets('top-secret https://x/?key=abc'))
        ['?key=abc', 'top-secret']
        """
        known = {key for key in self._known if key in text}
        known |= {self._apart[short] for short in self._split_in(text)}
        lower = text.lower()
        shapes = [shape for marker, shape in _MARKED if marker in lower]
        return frozenset(known | {one[0] for shape in shapes for one in shape.finditer(text)})

    def body(self, body: dict[str, Any]) -> dict[str, Any]:
        """The same for an object of JSON."""
        text = json.dumps(body, ensure_ascii=False)
        shown = self.text(text)
        found: dict[str, Any] = body if shown == text else json.loads(shown)
        return found

    @cached_property
    def longest_key(self) -> int:
        """Characters of the longest known key; 0 where none is known."""
        return max(map(len, self._known), default=0)

    def key_start_length(self, text: str) -> int:
        """Characters at the end of a text that are the beginning of a known key, but no whole one.

        >>> Redactor(["top-secret"]).key_start_length("it is top-se")
        6
        """
        longest = min(self.longest_key - 1, len(text))
        for length in range(longest, 0, -1):
            if any(len(key) > length and text.endswith(key[:length]) for key in self._known):
                return length
        return 0

    def known_in(self, text: str) -> str:
        """A text without the keys themselves."""
        for key in self._known:
            text = text.replace(key, HIDDEN)
        return text

    def answer_bytes(self, data: bytes) -> bytes:
        r"""The same for an answer as it came, in which JSON may spell a letter as an escape.

        >>> Redactor(["top-secret"]).answer_bytes(rb'{"a": "t\u006fp-secret"}')
        b'{"a": "[key]"}'
        """
        if self._escaped is not None and b"\\" in data:
            data = self._escaped.sub(HIDDEN.encode(), data)
        for key in self._known:
            data = data.replace(key.encode("utf-8", "surrogateescape"), HIDDEN.encode())
        lower = data.lower()
        if not any(marker.encode() in lower for marker, _ in _SPELLED):
            return data
        # Every byte is a letter of latin-1, and what is looked for is ASCII.
        return self.answer(data.decode("latin-1")).encode("latin-1")

    @cached_property
    def _escaped(self) -> re.Pattern[bytes] | None:
        keys = ["".join(map(_spellings, key)) for key in self._known if key.isascii()]
        return re.compile("|".join(keys).encode()) if keys else None

    def answer(self, text: str) -> str:
        """A model's answer without known keys and without what is spelled as only keys are.

        What stands under a name such as "password" is the model's own and stays: it may be what
        a step is asked for.

        >>> Redactor(["top-secret"]).answer('top-secret, sk-0123456789abcdef, "token": "blue"')
        '[key], [key], "token": "blue"'
        """
        text = self.known_in(text)
        lower = text.lower()
        for marker, shape in _SPELLED:
            if marker in lower:
                text = shape.sub(_mask, text)
        return text

    def _split_in(self, text: str) -> list[str]:
        squeezed = _squeezed(text) if self._apart else ""
        return [short for short in self._apart if short in squeezed]


def _spellings(char: str) -> str:
    """A letter of a key as it is, and as JSON may escape it."""
    code = "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f"{ord(char):04x}")
    return rf"(?:{re.escape(char)}|\\u{code}|\\{re.escape(char)})"


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _mask(found: re.Match[str]) -> str:
    return (found[1] if found.re.groups else "") + HIDDEN
