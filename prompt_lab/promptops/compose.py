"""How a registered text and a caller's raw prompt become the one prompt that is sent.

The rule is that of the steps that try prompts, so that a text is used as it was tested: the
registered text is the system message and the raw prompt is what the user says, unless the text
says where the raw prompt goes, by the placeholder `{{ query }}`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prompt_lab.promptops.records import Prompt
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.text import find_placeholders, placeholders, split

QUERY: Final = "query"
"""The placeholder that takes the raw prompt; all others are filled from `context["inputs"]`."""
_Pieces = tuple[str, ...]
"""Literal text and names by turns: text, name, text, …, text."""


@dataclass(frozen=True)
class ComposedText:
    """A registered text, taken apart once, so that filling it is a matter of microseconds."""

    system: _Pieces
    user: _Pieces
    names: frozenset[str]
    fault: str = ""
    """Why no raw prompt can be joined to it; '' where one can."""

    def join(self, raw: Prompt, inputs: Mapping[str, str]) -> Prompt:
        """The prompt to send. Raises ValueError with the reason where it cannot be made.

        A text becomes a system and a user message, or stays one text where the registered text
        holds `{{ query }}` and no user part. Of messages, the registered text takes the place of
        the first system message (or comes first), and all else stays, images too; with
        `{{ query }}` the last user message's text is filled in.
        """
        if self.fault:
            raise ValueError(self.fault)
        if isinstance(raw, str):
            system, user = self._fill(raw, inputs)
            if not user or not system:
                return system or user
            return {"role": "system", "content": system}, {"role": "user", "content": user}
        if not isinstance(raw, list | tuple) or not all(isinstance(one, dict) for one in raw):
            raise ValueError("the raw prompt is neither a text nor a list of messages")
        return self._join_messages([dict(one) for one in raw], inputs)

    def _fill(self, raw: str, inputs: Mapping[str, str]) -> tuple[str, str]:
        if not self.names:
            return self.system[0], raw
        values = {**inputs, QUERY: raw} if inputs else {QUERY: raw}
        if inputs and not all(isinstance(one, str) for one in values.values()):
            raise ValueError("context['inputs'] must hold texts alone")
        if not self.names <= values.keys():
            missing = sorted(self.names - values.keys())
            raise ValueError(
                f"the registered text has the placeholder {missing[0]!r}, and context['inputs'] "
                "does not"
            )
        system, user = (_fill_pieces(one, values) for one in (self.system, self.user))
        return system, user if user or QUERY in self.names else raw

    def _join_messages(
        self, messages: list[dict[str, Any]], inputs: Mapping[str, str]
    ) -> tuple[dict[str, Any], ...]:
        last = next(
            (at for at in range(len(messages) - 1, -1, -1) if messages[at].get("role") == "user"),
            None,
        )
        if last is None:
            raise ValueError("the raw prompt holds no message of the role 'user'")
        content = messages[last].get("content")
        system, user = self._fill(_read_text(content), inputs)
        if QUERY in self.names:
            messages[last]["content"] = _replace_text(content, user or system)
        if (system and user) or QUERY not in self.names:
            first = next((one for one in messages if one.get("role") == "system"), None)
            if first is None:
                messages.insert(0, {"role": "system", "content": system})
            else:
                first["content"] = system
        return tuple(messages)


def compose_text(text: str, manifest: PromptManifest | None = None) -> ComposedText:
    """Take a registered text apart. `manifest` declares placeholders beside `{{ query }}`.

    >>> compose_text("Be brief.").join("Why?", {})
    ({'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Why?'})
    >>> compose_text("Say briefly: {{ query }}").join("Why?", {})
    'Say briefly: Why?'
    """
    declared = [rule.text for rule in manifest.placeholders] if manifest else []
    names = {QUERY}.union(*(placeholders(one) for one in declared))
    parts = split(text)
    system, user = _split_pieces(parts.system, names), _split_pieces(parts.user, names)
    found = frozenset((*system[1::2], *user[1::2]))
    return ComposedText(system, user, found, _find_fault(text, declared, parts.user, found))


def _find_fault(text: str, declared: Iterable[str], user: str, found: frozenset[str]) -> str:
    for one in declared:
        if not placeholders(one) and one in text:
            return f"the registered text holds {one!r}, which only its own program can fill"
    if user and QUERY not in found:
        return "the registered text has a part [user] without {{ query }}, where the question goes"
    return "" if text.strip() else "the registered text is empty"


def _split_pieces(text: str, names: Iterable[str]) -> _Pieces:
    spelled = {one.text: one.name for one in find_placeholders(text, names, "mixed")}
    if not spelled:
        return (text,)
    longest_first = sorted(spelled, key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
    return tuple(spelled[one] if at % 2 else one for at, one in enumerate(pieces))


def _fill_pieces(pieces: _Pieces, values: Mapping[str, str]) -> str:
    return "".join(values[one] if at % 2 else one for at, one in enumerate(pieces))


def _read_text(content: object) -> str:
    """The text of a message whose content is a text or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | tuple):
        raise ValueError("the content of the last user message is neither a text nor a list")
    texts = [part["text"] for part in content if _is_text(part)]
    return "\n".join(texts)


def _replace_text(content: object, text: str) -> Any:
    """The content with another text in the place of its first; images and other parts stay."""
    if not isinstance(content, list | tuple):
        return text
    at = next((at for at, part in enumerate(content) if _is_text(part)), None)
    if at is None:
        return [{"type": "text", "text": text}, *content]
    before, after = content[:at], [part for part in content[at + 1 :] if not _is_text(part)]
    return [*before, {**content[at], "text": text}, *after]


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
