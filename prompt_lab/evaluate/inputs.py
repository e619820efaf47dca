"""Whether all runs of a batch were executed and scored with the same files."""

from collections.abc import Iterable, Sequence

from prompt_lab.records import RunRow

SHOWN = 3


def changed_inputs(rows: Sequence[RunRow], plans: Iterable[str]) -> tuple[str, ...]:
    """Plans, and files outside of them, that were not the same for all runs of a batch.

    `rows` are the runs that were made for it; `plans` were found to have changed since.
    """
    found = {*plans, *(row.record.plan for row in rows if row.record.files_read.changed)}
    seen: dict[str, set[str]] = {}
    for row in rows:
        read = row.record.files_read
        for path, content in (*read.outside.items(), *read.score_outside.items()):
            seen.setdefault(path, set()).add(content)
    return (*sorted(found), *sorted(path for path, contents in seen.items() if len(contents) > 1))


def files_outside(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """Files that runs have read and that nothing compares, in the order of their paths."""
    read = [row.record.files_read for row in rows]
    return tuple(sorted({path for one in read for path in (*one.outside, *one.score_outside)}))


def describe_outside(paths: Sequence[str]) -> str:
    """One sentence on `files_outside`, and what to do."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return (
        "The step reads files outside the plan folders, the target and its interpreter: "
        f"{', '.join(map(repr, paths[:SHOWN]))}{more}. Runs or scores that depend on them are not "
        "reused. Move them into the plan folders, the target or the step file."
    )
