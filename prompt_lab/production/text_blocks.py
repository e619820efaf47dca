"""Blocks of a prompt's text: its sections, and what it says twice."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from prompt_lab.analyze.words import estimated_tokens
from prompt_lab.traces import Trace

MOST_UNITS = 4000
MOST_STARTS = 50
"""A line that appears more often than this begins no block: it is a rule or a bracket."""
_LINE = re.compile(r"[^\n]+")
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|$)", re.DOTALL)
_HEADING = re.compile(r"^(?:#{1,6}\s+\S.*|<[A-Za-z][\w-]*>)\s*$", re.MULTILINE)
LONG_LINE = 300


class TextBlock(NamedTuple):
    """A part of a text by its offsets, with its estimated tokens; `title` is its heading."""

    start: int
    end: int
    tokens: int
    title: str = ""


def find_sections(text: str) -> list[TextBlock]:
    """The parts between Markdown headings or opening tags, each with its heading, in order.

    >>> [(block.title, block.tokens) for block in find_sections("Hello\\n## Rules\\nBe brief.")]
    [('', 2), ('Rules', 5)]
    """
    starts = [match.start() for match in _HEADING.finditer(text)]
    bounds = [*([0] if not starts or starts[0] else []), *starts, len(text)]
    blocks = []
    for start, end in pairwise(bounds):
        part = text[start:end]
        if part.strip():
            title = part.splitlines()[0].strip("#<> ") if start in starts else ""
            blocks.append(TextBlock(start, end, estimated_tokens(part), title))
    return blocks


def find_repeats(text: str, least_tokens: int) -> list[TextBlock]:
    """What the text says again: runs of lines that came before, of at least so many tokens.

    The longest run counts first, and no part of the text twice. Differences of spaces do not
    matter; very long lines are compared by sentence. The title is the run's first line.
    """
    units = list(_split_units(text))[:MOST_UNITS]
    places: dict[str, list[int]] = defaultdict(list)
    for at, (key, _, _) in enumerate(units):
        places[key].append(at)
    runs = []
    for same in places.values():
        if 1 < len(same) <= MOST_STARTS:
            for at, second in enumerate(same):
                runs += [
                    _extend(units, first, second)
                    for first in same[:at]
                    # else an earlier pair's run holds this one
                    if not first or units[first - 1][0] != units[second - 1][0]
                ]
    found: list[TextBlock] = []
    is_counted = bytearray(len(units))
    for run in sorted(set(runs), key=lambda run: (run[0] - run[1], run)):
        for start, end in _split_run(run, is_counted):
            block = _block_of(text, units, start, end)
            if block.tokens >= least_tokens:
                found.append(block)
                is_counted[start:end] = b"\1" * (end - start)
    return sorted(found)


def remove_blocks(text: str, blocks: Sequence[TextBlock]) -> str:
    """The text without these blocks, at most one empty line in place of each."""
    for block in sorted(blocks, reverse=True):
        before, after = text[: block.start].rstrip("\n"), text[block.end :].lstrip("\n")
        text = f"{before}\n\n{after}" if before and after else f"{before}{after}"
    return text if text.endswith("\n") or not text else f"{text}\n"


def read_system_text(trace: Trace) -> str:
    """The system messages of a trace; '' where none is recorded."""
    texts = [
        read_content(message)
        for message in trace.payload.messages
        if message.get("role") in ("system", "developer")
    ]
    return "\n\n".join(texts)


def read_content(message: dict[str, Any]) -> str:
    """The text of a message in OpenAI's form, whose content is a text or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _split_units(text: str) -> Iterator[tuple[str, int, int]]:
    for line in _LINE.finditer(text):
        spans = [line.span()]
        if len(line.group()) > LONG_LINE:
            spans = [
                (line.start() + part.start(), line.start() + part.end())
                for part in _SENTENCE.finditer(line.group())
            ]
        for start, end in spans:
            key = " ".join(text[start:end].split())
            if key:
                yield key, start, end


def _extend(units: Sequence[tuple[str, int, int]], first: int, second: int) -> tuple[int, int]:
    """The run of units from `second` on that equals that from `first` on, as (start, end)."""
    length = 0
    while (
        second + length < len(units)
        and first + length < second
        and units[first + length][0] == units[second + length][0]
    ):
        length += 1
    return second, second + length


def _block_of(text: str, units: Sequence[tuple[str, int, int]], start: int, end: int) -> TextBlock:
    part = text[units[start][1] : units[end - 1][2]]
    title = units[start][0].strip("#<> ")
    return TextBlock(units[start][1], units[end - 1][2], estimated_tokens(part), title)


def _split_run(run: tuple[int, int], is_counted: bytearray) -> Iterator[tuple[int, int]]:
    """The parts of a run without a unit that is counted already."""
    start = run[0]
    for at in range(run[0], run[1] + 1):
        if at == run[1] or is_counted[at]:
            if start < at:
                yield start, at
            start = at + 1
