"""Check the whole chain of a registry: rows, pointer, snapshots, versions, labels, verdicts."""

from collections.abc import Callable, Iterator

from prompt_lab.errors import StoreError
from prompt_lab.prompts.snapshots import (
    PromotionKind,
    PromotionRecord,
    PromotionRefused,
    Snapshot,
    TrialVerdict,
    check_verdict,
    find_chain_faults,
)
from prompt_lab.store.prompt_files import PromptFiles

FindVerdict = Callable[[str], TrialVerdict | None]


def verify_registry(files: PromptFiles, find_verdict: FindVerdict) -> list[str]:
    """Every fault of the chain: rows, pointer, snapshots, versions and verdicts; [] where whole.

    Takes the lock, and so completes what a killed process has left.
    """
    with files.hold():
        rows, pointer = files.read_journal(), files.read_pointer()
        faults = find_chain_faults(rows)
        if (rows[-1] if rows else None) != pointer:
            faults.append("the pointer is not the journal's last row")
        for row in rows:
            found = _find_git_faults if row.git else _find_row_faults
            faults += [f"row {row.sequence}: {fault}" for fault in found(files, row, find_verdict)]
    return faults


def _find_git_faults(
    _files: PromptFiles, row: PromotionRecord, find_verdict: FindVerdict
) -> list[str]:
    """A merge is bound to its verdict as a promotion is; its commits are the target's."""
    assert row.git is not None
    if row.kind is not PromotionKind.PROMOTE:
        return []
    faults = []
    for name, verdict_id in row.verdicts.items():
        digest = row.git.text_sha256
        try:
            check_verdict(name, digest, verdict_id, find_verdict(verdict_id))
        except PromotionRefused as error:
            faults.append(str(error))
    return faults


def _find_row_faults(
    files: PromptFiles, row: PromotionRecord, find_verdict: FindVerdict
) -> list[str]:
    try:
        snapshot = files.read_snapshot(row.to_snapshot)
        for digest in snapshot.prompts.values():
            files.read_version(digest)
        parent = files.read_snapshot(snapshot.parent).prompts if snapshot.parent else {}
        for pinned in row.labels.values():
            files.read_snapshot(pinned)
    except StoreError as error:
        return [str(error)]
    changed = {name for name, digest in snapshot.prompts.items() if parent.get(name) != digest}
    if row.kind is PromotionKind.FORCE and changed != set(row.forced):
        return ["changes more than the forced prompt"]
    if row.kind is PromotionKind.IMPORT and changed & set(parent):
        return ["imports over a prompt that was there"]
    if row.kind is PromotionKind.PROMOTE:
        return _find_verdict_faults(
            row, {name: snapshot.prompts[name] for name in changed}, find_verdict
        )
    return []


def _find_verdict_faults(
    row: PromotionRecord, changed: dict[str, str], find_verdict: FindVerdict
) -> list[str]:
    faults = []
    for name, digest in sorted(changed.items()):
        verdict_id = row.verdicts.get(name, "")
        try:
            check_verdict(
                name, digest, verdict_id, find_verdict(verdict_id) if verdict_id else None
            )
        except PromotionRefused as error:
            faults.append(str(error))
    return faults


def iterate_changes(
    files: PromptFiles,
) -> Iterator[tuple[PromotionRecord, dict[str, tuple[str, str]]]]:
    """Each row of the journal that is about texts, oldest first, with what it changed.

    Rows of merges and labels are left out. Raises StoreError as `list_changes`.
    """
    for row in files.read_journal():
        if row.git is None and row.kind is not PromotionKind.LABEL:
            yield row, list_changes(files, row)


def list_changes(files: PromptFiles, row: PromotionRecord) -> dict[str, tuple[str, str]]:
    """prompt id -> (version before, version after; '' for none) of what a row changed.

    Raises StoreError for a snapshot that is missing or was changed.
    """

    def read(snapshot_id: str) -> dict[str, str]:
        none = Snapshot(prompts={}, actor="", reason="", created="")
        return (files.read_snapshot(snapshot_id) if snapshot_id else none).prompts

    before, after = read(row.from_snapshot), read(row.to_snapshot)
    return {
        name: (before.get(name, ""), after.get(name, ""))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
