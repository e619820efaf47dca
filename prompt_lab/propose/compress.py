"""Strategy `compress`: take out of the prompt what it says twice, by rules for any language."""

import json
import re
from collections.abc import Sequence

from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.prompts.text import placeholders
from prompt_lab.propose.model import Draft, Material, Rewrite
from prompt_lab.propose.sections import CONTRACT, EXAMPLES, FIELDS, block, halves, with_system

KEPT_EXAMPLES = 2
SHORTEST = 15
"""Characters from which a repeated line or sentence is taken for a repetition, not a form."""

_SENTENCE = re.compile(r"(?<=[.!?؟।])(?=\s)|(?<=[。！？])")
_BULLET = re.compile(r"\s*(?:[-*•–]|\d+[.)])\s")
_RULE = re.compile(r"\s*([-=*_~#])\1{2,}\s*")
_GAP = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


class Compress(Rewrite):
    """Repeated lines and sentences, what the block of fields says too, examples from the third on.

    Forms are left alone: JSON, the lines of blocks and examples, whatever holds a placeholder.
    """

    name = "compress"

    def attempt(self, material: Material) -> Draft | str:
        """The prompt with a shorter system half."""
        system = halves(material.prompt).system
        shorter = compressed(system)
        if len(shorter.split()) == len(system.split()):
            return "the prompt says nothing twice"
        text = with_system(material.prompt, shorter)
        return Draft(
            text=text,
            title=f"Shorten the prompt from {len(material.prompt)} to {len(text)} characters",
            description=(
                f"Takes out of the prompt of {material.step} what it repeats: lines, sentences, "
                f"worked examples beyond the first {KEPT_EXAMPLES}, ruled and empty lines."
            ),
            strategy=self.name,
        )


def compressed(system: str) -> str:
    """A system half after as many passes as find something; a fixed point of itself."""
    text, before = system, None
    while text != before:
        before, text = text, _pass(text)
    return text


def _pass(system: str) -> str:
    told, examples = _at_examples(system.splitlines())
    fields = normalize_text(" ".join(block(system, FIELDS) or ()))
    seen = set[str]()
    heads: dict[str, int] = {}
    kept = [
        paragraph if _is_form(paragraph) else _without_repeats(paragraph, seen, fields)
        for paragraph in _paragraphs([_tidy(line) for line in told])
    ] + _paragraphs([line.rstrip() for line in examples])
    fewer = [_fewer_snippets(p) for p in kept if _first_of_its_kind(p, heads)]
    return "\n\n".join("\n".join(paragraph) for paragraph in fewer if paragraph)


def _at_examples(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The lines before the examples of our own making, and those from their header on."""
    at = next((i for i, line in enumerate(lines) if line.strip() == EXAMPLES), len(lines))
    return lines[:at], lines[at:]


def _tidy(line: str) -> str:
    return "" if _RULE.fullmatch(line) else _GAP.sub(" ", line.rstrip())


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    """Runs of lines between empty ones."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [paragraph for paragraph in found if paragraph]


def _is_form(paragraph: Sequence[str]) -> bool:
    """Whether lines may repeat because JSON or code has them so."""
    return any(line.lstrip().startswith(("{", "}", "[", "]", "```")) for line in paragraph)


def _is_example(paragraph: Sequence[str]) -> bool:
    """An input and, as its last line, the JSON that answers it."""
    return len(paragraph) > 1 and _is_json(paragraph[-1].strip())


def _first_of_its_kind(paragraph: Sequence[str], heads: dict[str, int]) -> bool:
    """Whether an example is to be kept: only twins, that begin with the same line, are counted."""
    if not _is_example(paragraph) or placeholders("\n".join(paragraph)):
        return True
    head = re.sub(r"\d+", "0", normalize_text(paragraph[0]))
    heads[head] = heads.get(head, 0) + 1
    return heads[head] <= KEPT_EXAMPLES


def _fewer_snippets(paragraph: Sequence[str]) -> list[str]:
    """Without the one-line examples (`text -> {…}`) from the third on."""
    kept, snippets = [], 0
    for line in paragraph:
        before, _, after = line.rpartition("-> ")
        snippet = bool(before.strip()) and _is_json(after) and not placeholders(line)
        snippets += snippet
        if not snippet or snippets <= KEPT_EXAMPLES:
            kept.append(line)
    return kept


def _without_repeats(paragraph: Sequence[str], seen: set[str], fields: str) -> list[str]:
    ours = False
    kept = []
    for line in paragraph:
        ours = line in (FIELDS, CONTRACT) or (ours and line.startswith("- "))
        if ours:
            kept.append(line)
            continue
        pieces = [line] if _BULLET.match(line) else _SENTENCE.split(line)
        fresh = [piece for piece in pieces if not _repeats(piece, seen, fields)]
        if len(fresh) == len(pieces):
            kept.append(line)
        elif any(char.isalnum() for piece in fresh for char in piece):
            kept.append("".join(fresh).strip())
    return kept


def _repeats(piece: str, seen: set[str], fields: str) -> bool:
    """Whether this was said before; remembers it if not."""
    key = normalize_text(_BULLET.sub("", piece, count=1))
    if len(key) < SHORTEST or placeholders(piece):
        return False
    if key in seen or key in fields:
        return True
    seen.add(key)
    return False


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
