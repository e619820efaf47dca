"""The promotions of a lab as pages show them: the registry's and the git targets' in one list."""

from prompt_lab.errors import StoreError
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRecord
from prompt_lab.report.view import OddFolder, PromotionRow
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_verify import list_changes

SHORT = 12
"""Hex digits of a snapshot or commit that a page shows."""


def promotion_rows(lab: Lab) -> list[PromotionRow]:
    """Every row of promotions.jsonl, oldest first; none where it is damaged."""
    files = PromptFiles(lab.root / "prompts")
    try:
        rows = files.read_journal()
    except StoreError:
        return []
    current = rows[-1].to_snapshot if rows else ""
    last = max((r.sequence for r in rows if _moves(r) and r.to_snapshot == current), default=0)
    return [_describe(lab, files, row, is_current=row.sequence == last) for row in rows]


def damaged_promotions(lab: Lab) -> list[OddFolder]:
    """The journal as an irregular file, where it cannot be read."""
    files = PromptFiles(lab.root / "prompts")
    try:
        files.read_journal()
    except StoreError as error:
        return [OddFolder(path=lab.relative(files.journal), faults=(str(error),))]
    return []


def _moves(row: PromotionRecord) -> bool:
    return row.git is None and row.kind is not PromotionKind.LABEL


def _describe(
    lab: Lab, files: PromptFiles, row: PromotionRecord, *, is_current: bool
) -> PromotionRow:
    move = row.git
    if move is not None:
        prompts: tuple[str, ...] = (f"{move.target}:{move.path}",)
        ends = (move.before, move.after)
    else:
        prompts, ends = _changed_prompts(files, row), (row.from_snapshot, row.to_snapshot)
    return PromotionRow(
        sequence=row.sequence,
        when=row.when,
        kind=row.kind.value,
        forced=bool(row.forced),
        prompts=prompts,
        before=ends[0][:SHORT],
        after=ends[1][:SHORT],
        actor=row.actor.name,
        reason=row.reason,
        verdicts=tuple((name, _report(lab, name)) for name in dict.fromkeys(row.verdicts.values())),
        is_current=is_current,
    )


def _changed_prompts(files: PromptFiles, row: PromotionRecord) -> tuple[str, ...]:
    if row.kind is PromotionKind.LABEL:
        return ()
    try:
        return tuple(list_changes(files, row))
    except StoreError:
        return ("damaged: `prompt-lab prompts verify`",)


def _report(lab: Lab, verdict_id: str) -> str:
    path = lab.analysis / verdict_id / "report.html"
    return lab.relative(path) if path.exists() else ""
