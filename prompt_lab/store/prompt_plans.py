"""The texts of a lab's plans, as the guard compares a prompt with them."""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from prompt_lab.names import Split
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

LONGEST_FILE = 1_000_000
"""Bytes; a larger file of a plan is data, which no prompt quotes by accident."""


class PlanTexts(NamedTuple):
    """Plan name -> all its texts: train plans may be quoted by a specific prompt, sealed never."""

    train: dict[str, str]
    sealed: dict[str, str]


def read_plan_texts(lab: Lab) -> PlanTexts:
    """Every plan's text files; one that is unchanged is not read again. Raises StoreError."""
    found = []
    for split in (Split.TRAIN, Split.VERIFY):
        folder = lab.plans(split)
        with disk_errors(folder):
            plans = sorted(os.scandir(folder), key=_name) if folder.is_dir() else []
            found.append({p.name: "\n".join(_read_texts(p.path)) for p in plans if p.is_dir()})
    return PlanTexts(*found)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _read_texts(folder: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=_name):
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _read_texts(entry.path)
            continue
        facts = entry.stat()
        if facts.st_size <= LONGEST_FILE:
            sign = (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino)
            yield _read_text(entry.path, sign)


@lru_cache(maxsize=1024)
def _read_text(path: str, _sign: tuple[int, ...]) -> str:
    """'' for a file that is not text."""
    with open(path, "rb") as file:
        content = file.read(LONGEST_FILE)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
