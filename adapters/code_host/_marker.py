"""The key of a comment as a mark that readers do not see, at its very end."""

import re

from prompt_lab.errors import CodeHostError

LONGEST = 65_000
"""Characters; GitHub takes 65,536."""
_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_MARK = re.compile(r"\n\n<!-- prompt-lab: ([A-Za-z0-9_.-]+) -->\s*\Z")
_CUT = "\n\n… the rest is in the report."


def add_marker(body: str, key: str) -> str:
    r"""The body with its mark; what is too long for the host is cut.

    >>> marked("YES", "verdict-1")
    'YES\n\n<!-- prompt-lab: verdict-1 -->'
    """
    if not _KEY.fullmatch(key):
        raise CodeHostError(
            f"{key!r} cannot be the key of a comment: letters, digits, '_', '.', '-'"
        )
    whole = body if len(body) <= LONGEST else body[: LONGEST - len(_CUT)] + _CUT
    return f"{whole}\n\n<!-- prompt-lab: {key} -->"


def unmarked(text: str | None) -> tuple[str, str] | None:
    r"""(key, body) of a comment of ours; None of any other.

    >>> unmarked("YES\n\n<!-- prompt-lab: verdict-1 -->\n"), unmarked("I like it.")
    (('verdict-1', 'YES'), None)
    """
    plain = (text or "").replace("\r\n", "\n")
    found = _MARK.search(plain)
    return (found[1], plain[: found.start()]) if found else None
