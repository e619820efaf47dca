"""What a model's answer leaves around a prompt, found by structure in any language."""

import json
import re
import unicodedata

_FENCE = re.compile(r"\s*(?:```|~~~)")
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,}|\"\"\"|'''|```.*|~~~.*)\s*")
_COLONS = (":", "：", "︰", "﹕", "꞉", "።", "፡")
_QUESTION = re.compile(r"[?？؟՞፧\u037e]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);")
"""Greek asks with what others take for a semicolon."""
_BLOCK_TAG = re.compile(
    r"^[ \t]*</?(?:think|thinking|thought|reasoning|scratchpad|reflection)>", re.MULTILINE
)
_CHAT_TOKEN = re.compile(
    r"<\|[a-z_]{2,40}\|>|<｜[^｜<>]{2,40}｜>|\[/?(?:INST|THINK)\]|◁/?think▷|<\s?/?s>(?=\s|$)"
)
_STEP = re.compile(r"^\s*(?:[-*•]|\(?\w{1,3}[.)、．]|[^\W\d]+\s*\d+\s*[:：.])\s*\S")
_LINK = re.compile(
    r"!\[[^\]\n]*\]\([^)\n]*|(?:javascript|data|file|ftp):[^\s,]\S*"
    r"|https?://[^\s<>\"'`)\]]*[?{][^\s<>\"'`)\]]*",
    re.IGNORECASE,
)
"""An image, a scheme that is no page, or a page that is given something: each can carry data."""
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{60,}={0,2}")
_ROLE_LINE = re.compile(r"^[ \t]*(?:\[(?:user|system|assistant)\])[ \t]*$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LOOKALIKE = ("LATIN", "CYRILLIC", "GREEK")
"""Scripts whose letters pass for each other's."""
_JOINED: tuple[str, ...] = (
    "ARABIC",
    "SYRIAC",
    "DEVANAGARI",
    "BENGALI",
    "GURMUKHI",
    "GUJARATI",
    "ORIYA",
    "TAMIL",
)
_JOINED += ("TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "MONGOLIAN")
_JOINERS = "\u200c\u200d"
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800\u034f"


def find_reasoning(text: str, previous: str | None) -> str:
    """Marks of a model's thinking that the previous version did not have; '' where none."""
    before = previous or ""
    for shape in (_BLOCK_TAG, _CHAT_TOKEN):
        known = {match[0].strip() for match in shape.finditer(before)}
        for match in shape.finditer(text):
            if match[0].strip() not in known:
                return f"{match[0].strip()!r} is the markup of a model's own output"
    lead = _find_lead(text, previous)
    if len(lead) > 2 or sum(bool(_STEP.match(line)) for line in lead) > 1:
        return f"{len(lead)} lines of deliberation stand before the prompt: {lead[0][:60]!r}"
    return ""


def find_debris(text: str, previous: str | None) -> str:
    """What parsing an answer left in the text; '' where none."""
    bare, before = text.strip(), (previous or "").strip()
    lines, lines_before = bare.split("\n"), before.split("\n")
    if _is_fenced(lines) and not _is_fenced(lines_before):
        return "a fence stands around the whole text"
    if _is_json(bare) and not _is_json(before):
        return "the text is JSON of a model's answer, not a prompt"
    if _count_fences(lines) % 2 and not _count_fences(lines_before) % 2:
        return "a fence is opened and never closed"
    lead = _find_lead(text, previous)
    if lead:
        return f"a preamble that the previous version did not have: {lead[0][:60]!r}"
    return ""


def find_invisible(text: str, previous: str | None) -> str:
    """The first character that no reader sees and the previous version did not have; or ''.

    Joiners inside scripts and emoji that are written with them are none.
    """
    known = set(previous or "")
    for index, char in enumerate(text):
        if char in known or not _is_hidden(char):
            continue
        if char in _JOINERS and _joins(text, index):
            continue
        return f"U+{ord(char):04X} {unicodedata.name(char, 'control')} at character {index}"
    return ""


def find_link(text: str, previous: str | None) -> str:
    """The first address that may carry data away, and is new; '' where none. Plain links are none.

    >>> find_link("![x](https://example.org/{{query}})", None), find_link("See https://a.org.", "")
    ('![x](https://example.org/{{query}}', '')
    """
    known = {match[0] for match in _LINK.finditer(previous or "")}
    return next((match[0] for match in _LINK.finditer(text) if match[0] not in known), "")


def find_encoded(text: str, previous: str | None) -> str:
    """The start of a long run of encoded text (base64, hex) that is new; '' where none."""
    for match in _ENCODED.finditer(text):
        run = match[0]
        is_mixed = any(c.isdigit() for c in run) and any(c.isalpha() for c in run)
        if is_mixed and run not in (previous or ""):
            return run[:12]
    return ""


def find_role_line(text: str, previous: str | None) -> str:
    """A line such as `[user]` that would begin another message, and is new; '' where none.

    A first text may have them: they are how prompt files divide their messages.
    """
    if previous is None:
        return ""
    known = {match[0].strip() for match in _ROLE_LINE.finditer(previous)}
    found = (match[0].strip() for match in _ROLE_LINE.finditer(text))
    return next((line for line in found if line not in known), "")


def find_lookalike(text: str, previous: str | None) -> str:
    """The first word that mixes letters of Latin, Cyrillic and Greek, and is new; '' where none.

    >>> find_lookalike("P\u0430y by card", None), find_lookalike("Pay by card", None)
    ('P\u0430y', '')
    """
    if text.isascii():
        return ""
    for match in _WORD.finditer(text):
        if match[0].isascii():
            continue
        names = {unicodedata.name(char, "").split(" ")[0] for char in match[0]}
        if len(names & set(_LOOKALIKE)) > 1 and match[0] not in (previous or ""):
            return match[0]
    return ""


def is_question(text: str) -> bool:
    """Whether a text is one paragraph that ends in its only question.

    >>> is_question("Who owns Lot 7?"), is_question("Ask:\\n1. Who?\\n2. When?\\nThen answer.")
    (True, False)
    """
    bare = text.strip()
    marks = list(_QUESTION.finditer(bare))
    return len(marks) == 1 and marks[0].end() == len(bare) and "\n" not in bare


def _find_lead(text: str, previous: str | None) -> list[str]:
    """The lines before the prompt proper, where a separator ends them."""
    if not previous or not previous.strip():
        return []
    first = previous.strip().split("\n")[0].strip()
    lines = [line.strip() for line in text.strip().split("\n")]
    start = lines.index(first) if first in lines else -1
    if start == 0 or lines[0] == first:
        return []
    if start > 0:
        lead = [line for line in lines[:start] if line]
        return lead if lead and (_RULE.fullmatch(lead[-1]) or lead[-1].endswith(_COLONS)) else []
    filled = [line for line in lines if line]
    opens = len(filled) > 1 and filled[0].endswith(_COLONS) and _RULE.fullmatch(filled[1])
    return filled[:1] if opens else []


def _is_fenced(lines: list[str]) -> bool:
    return len(lines) > 1 and all(_FENCE.match(line) for line in (lines[0], lines[-1]))


def _count_fences(lines: list[str]) -> int:
    return sum(bool(_FENCE.match(line)) for line in lines)


def _is_json(text: str) -> bool:
    if text[:1] not in ("{", "[", '"'):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_hidden(char: str) -> bool:
    if char in "\n\t\r":
        return False
    category, point = unicodedata.category(char), ord(char)
    return category in ("Cc", "Cf", "Co", "Cs") or char in _FILLERS or 0xE0100 <= point <= 0xE01EF


def _joins(text: str, index: int) -> bool:
    before, after = text[max(index - 1, 0) : index], text[index + 1 : index + 2]
    if not before or not after:
        return False
    emoji = unicodedata.category(after) == "So" and unicodedata.category(before) in (
        "So",
        "Mn",
        "Sk",
    )
    scripts = all(unicodedata.name(c, "").startswith(_JOINED) for c in (before, after))
    return emoji or scripts
