"""Files that hold texts: their encoding, and pointers that stand in the place of the text."""

import codecs
import re

_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_LFS = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v\d+\s+(?:ext-\S+ \S+\s+)*"
    rb"oid sha256:[0-9a-f]{64}\s+size \d+\s*"
)
_ANNEX = re.compile(rb"/annex/objects/[^\s/]+\s*")
LONGEST_POINTER = 1024
"""Bytes; git-lfs takes nothing longer for a pointer."""


def pointer_command(content: bytes) -> tuple[str, str] | None:
    """(what it is, the git command that fetches the content) of a pointer file; None for others.

    See https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md and
    https://git-annex.branchable.com/internals/pointer_file/.

    >>> pointer_command(b"Read {note}")
    """
    if len(content) > LONGEST_POINTER:
        return None
    if _LFS.fullmatch(content):
        return "a Git LFS pointer", "lfs pull"
    if _ANNEX.fullmatch(content):
        return "a git-annex pointer", "annex get"
    return None


def decode_text(content: bytes) -> str:
    """A file's text: UTF-8, or what its byte order mark says. Raises UnicodeDecodeError.

    The mark itself is no part of the text.

    >>> decode_text("Read".encode("utf-16")), decode_text("Read".encode("utf-8-sig"))
    ('Read', 'Read')
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark) and (content != mark or mark == codecs.BOM_UTF8):
            return content[len(mark) :].decode(encoding)
    return content.decode("utf-8")


def encode_text(text: str, like: bytes) -> bytes:
    """A text in the encoding of the file that it replaces, by its byte order mark; else UTF-8.

    >>> decode_text(encode_text("Write", like="Read".encode("utf-16")))
    'Write'
    """
    for mark, encoding in _MARKS:
        if like.startswith(mark):
            return mark + text.encode(encoding)
    return text.encode()
