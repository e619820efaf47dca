"""Which promotion put each line of a prompt there."""

from difflib import SequenceMatcher
from typing import NamedTuple

from prompt_lab.errors import UnknownName
from prompt_lab.prompts.snapshots import PromotionRecord
from prompt_lab.store.prompt_files import PromptFiles


class BlamedLine(NamedTuple):
    """One line of the current text, and the promotion that brought it."""

    text: str
    row: PromotionRecord


def blame_lines(files: PromptFiles, prompt_id: str) -> list[BlamedLine]:
    """The current text line by line. A rollback gives each line back its earlier promotion.

    Raises UnknownName where the current snapshot has no such prompt, StoreError for damage.
    """
    by_snapshot: dict[str, list[BlamedLine]] = {}
    lines: list[BlamedLine] = []
    known: set[str] = set()
    for row in files.read_journal():
        if row.to_snapshot not in by_snapshot:
            prompts = files.read_snapshot(row.to_snapshot).prompts
            known = set(prompts)
            digest = prompts.get(prompt_id)
            text = files.read_version(digest) if digest else ""
            by_snapshot[row.to_snapshot] = _carry_lines(lines, text, row)
        lines = by_snapshot[row.to_snapshot]
    if prompt_id not in known:
        raise UnknownName("prompt", prompt_id, known, str(files.root))
    return lines


def _carry_lines(before: list[BlamedLine], text: str, row: PromotionRecord) -> list[BlamedLine]:
    lines = text.split("\n") if text else []
    found = [BlamedLine(line, row) for line in lines]
    matcher = SequenceMatcher(None, [line.text for line in before], lines, autojunk=False)
    for block in matcher.get_matching_blocks():
        found[block.b : block.b + block.size] = before[block.a : block.a + block.size]
    return found
