"""A small part of Markdown as data that a template draws; whatever else there is stays text.

Headings, paragraphs, lists, tables, rules, code blocks, `code` and **bold**. No links and no
HTML: the text may come from a model.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["heading", "text", "list", "table", "code", "rule"]
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*")
_LINE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,})\s*")
_INLINE = re.compile(r"(?<![`\\])`(?P<code>[^`\n]+)`(?!`)|(?<!\\)\*\*(?P<bold>[^*\n]+)\*\*")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELL = re.compile(r"(?<!\\)\|")


class Piece(NamedTuple):
    """Some words of a line: `text`, `code` or `bold`."""

    kind: str
    text: str


Pieces = tuple[Piece, ...]


class Block(NamedTuple):
    """`rows` holds a heading's or paragraph's one row, a list's items, a table's rows of cells."""

    kind: Kind
    rows: tuple[tuple[Pieces, ...], ...]
    level: int = 0


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a document, in order.

    >>> [block.kind for block in blocks("# One\\ntwo\\n- three\\n\\n|a|b|\\n|--|--|\\n|1|2|")]
    ['heading', 'text', 'list', 'table']
    """
    return tuple(_blocks(text.splitlines()))


def inline(text: str) -> Pieces:
    """The pieces of one line.

    >>> inline("set `a` to **b**")[1:]
    (Piece(kind='code', text='a'), Piece(kind='text', text=' to '), Piece(kind='bold', text='b'))
    """
    pieces: list[Piece] = []
    end = 0
    for found in _INLINE.finditer(text):
        if found.start() > end:
            pieces.append(Piece("text", _plain(text[end : found.start()])))
        kind = found.lastgroup or "text"
        inner = found.group(kind)
        pieces.append(Piece(kind, inner if kind == "code" else _plain(inner)))
        end = found.end()
    if end < len(text):
        pieces.append(Piece("text", _plain(text[end:])))
    return tuple(pieces)


def _plain(text: str) -> str:
    """Text without the backslashes that keep marks from being read as marks."""
    return _ESCAPED.sub(r"\1", text)


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        end = _end(lines, at)
        yield _block(lines[at:end])
        at = end


def _end(lines: Sequence[str], at: int) -> int:
    """Where the block that begins at a line ends."""
    kind = _kind(lines, at)
    if kind in ("heading", "rule"):
        return at + 1
    if kind == "code":
        fence = _FENCE.match(lines[at])
        mark = fence.group(1) if fence else "```"
        closing = (i for i in range(at + 1, len(lines)) if lines[i].strip().startswith(mark))
        return min(next(closing, len(lines)) + 1, len(lines))
    end = at + 1
    while end < len(lines) and lines[end].strip():
        if kind == "table" and "|" not in lines[end]:
            break
        if kind != "table" and _kind(lines, end) not in ("text", kind):
            break
        if kind == "text" and _kind(lines, end) != "text":
            break
        end += 1
    return end


def _kind(lines: Sequence[str], at: int) -> Kind:
    line = lines[at]
    if _FENCE.match(line):
        return "code"
    if _HEADING.match(line):
        return "heading"
    if (
        "|" in line
        and at + 1 < len(lines)
        and "|" in lines[at + 1]
        and _RULE.fullmatch(lines[at + 1])
    ):
        return "table"
    if _LINE.fullmatch(line):
        return "rule"
    return "list" if _ITEM.match(line) else "text"


def _block(lines: Sequence[str]) -> Block:
    kind = _kind(lines, 0)
    if kind == "code":
        last = -1 if len(lines) > 1 and _FENCE.match(lines[-1]) else None
        return Block(kind, ((((Piece("text", "\n".join(lines[1:last])),)),),))
    heading = _HEADING.match(lines[0])
    if kind == "heading" and heading:
        return Block(kind, ((inline(heading.group(2)),),), len(heading.group(1)))
    if kind == "rule":
        return Block(kind, ())
    if kind == "table":
        return Block(kind, tuple(_cells(line) for line in (lines[0], *lines[2:])))
    if kind == "list":
        return Block(kind, tuple((inline(item),) for item in _items(lines)))
    return Block(kind, ((inline(" ".join(line.strip() for line in lines)),),))


def _items(lines: Sequence[str]) -> Iterator[str]:
    """Items of a list; a line without a mark goes on with the item before it."""
    item = ""
    for line in lines:
        found = _ITEM.match(line)
        if found and item:
            yield item
        item = found.group(1) if found else f"{item} {line.strip()}"
    yield item


def _cells(line: str) -> tuple[Pieces, ...]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(inline(cell.strip().replace("\\|", "|")) for cell in _CELL.split(inner))
