"""retest_<round>.json: the re-tests of a merge on fresh plans, and what they show together."""

from pathlib import Path

from prompt_lab.decide.after_merge import DifferenceRow, MergeCheck, MergeState
from prompt_lab.decide.reasons import Reason
from prompt_lab.names import Split
from prompt_lab.records import VERSION, Record
from prompt_lab.store.batch import Batch
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.iterations import REVERTED, Conclusion, Reverted
from prompt_lab.store.sealed import RESTORE


class RetestRecord(Record):
    """retest_<round>.json: what may be shown of one round. The last file that the round writes."""

    version: int = VERSION
    iteration: int
    round: int
    state: MergeState
    text: str
    """What all rounds so far show, in one sentence."""
    void: tuple[Reason, ...] = ()
    """Findings that make this round's runs no evidence: its plans are tested again."""
    when: str


class SealedRetest(Record):
    """sealed_retest_<round>.json: the figures of one round, which are not shown."""

    version: int = VERSION
    rows: tuple[DifferenceRow, ...]
    check: MergeCheck
    """Of this and all earlier rounds."""


def retest_file(number: int) -> str:
    """The name of the file that proves a round done."""
    return f"retest_{number}.json"


def sealed_retest_file(number: int) -> str:
    """The name of the file with a round's figures."""
    return f"sealed_retest_{number}.json"


def retest_batch(number: int) -> str:
    """The name of the batch of a round's runs."""
    return f"retest_{number}"


def finished_rounds(folder: Path) -> list[RetestRecord]:
    """The finished rounds of a merge, oldest first. Raises StoreError for a damaged record."""
    found, number = [], 1
    while (path := folder / retest_file(number)).exists():
        found.append(read_record(path, RetestRecord, fix=RESTORE))
        number += 1
    return found


def rows_after_merge(folder: Path) -> list[DifferenceRow]:
    """The rows of all rounds that count, oldest first: what `check_merge` takes.

    A further source of evidence about a merge adds its rows here, under its own name.
    """
    return [
        row
        for record in finished_rounds(folder)
        if not record.void
        for row in read_record(
            folder / sealed_retest_file(record.round), SealedRetest, fix=RESTORE
        ).rows
    ]


def retested_plans(folder: Path) -> dict[str, str]:
    """Plan -> digest of its folder, of all rounds that count."""
    found: dict[str, str] = {}
    for record in finished_rounds(folder):
        path = folder / f"batch_{retest_batch(record.round)}.json"
        if not record.void and path.exists():
            found |= read_record(path, Batch, fix=RESTORE).plans
    return found


def last_retest(folder: Path) -> RetestRecord | None:
    """The newest round that can be read, for pages; None if there is none."""
    found, number = None, 1
    while (record := read_if_whole(folder / retest_file(number), RetestRecord)) is not None:
        found, number = record, number + 1
    return found


def stands_merged(folder: Path) -> bool:
    """Whether an iteration was merged, and no pull request reverts it."""
    conclusion = read_if_whole(folder / "conclusion.json", Conclusion)
    if conclusion is None or not conclusion.merged_commit:
        return False
    back = read_if_whole(folder / REVERTED, Reverted)
    return back is None or back.pull is None


def batches_of(folder: Path, split: Split) -> list[Batch]:
    """The planned batches of an iteration on a split, those of re-tests left out."""
    paths = sorted(folder.glob("batch_*.json"))
    found = [
        read_record(path, Batch, fix=RESTORE)
        for path in paths
        if not path.name.startswith("batch_retest_")
    ]
    return [batch for batch in found if batch.split is split]
