"""The texts of a lab's plans, as the guard compares a prompt with them."""

from pathlib import Path
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
    """Every plan's text files. Raises StoreError for a folder that cannot be read."""
    return PlanTexts(_read_split(lab.plans(Split.TRAIN)), _read_split(lab.plans(Split.VERIFY)))


def _read_split(folder: Path) -> dict[str, str]:
    with disk_errors(folder):
        plans = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        return {plan.name: "\n".join(_read_texts(plan)) for plan in plans}


def _read_texts(plan: Path) -> list[str]:
    found = []
    for path in sorted(plan.rglob("*")):
        if not path.is_file() or path.stat().st_size > LONGEST_FILE:
            continue
        try:
            found.append(path.read_bytes().decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return found
