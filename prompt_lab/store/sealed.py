"""The figures of a confirmation: kept beside its verdict, and shown only once they are revealed."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from prompt_lab.decide.verdict import Verdict
from prompt_lab.records import VERSION, Record
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.iterations import VERDICT, IterationMeta
from prompt_lab.store.layout import Lab
from prompt_lab.store.plan_files import digest_folder

SEALED_VERDICT = "sealed_verdict.json"
"""The whole verdict of a confirmation. verdict.json beside it holds what may be shown."""
REVEALED = "revealed.json"
_HOLD_FIGURES = (SEALED_VERDICT, "batch_verify*.json", "runs_verify.json", "judged_verify_*.json")
"""Files that say what sealed plans were run, or how they scored."""
_RETESTS = (
    *("sealed_retest_*.json", "batch_retest_*.json", "runs_retest_*.json"),
    "judged_retest_*.json",
)
"""The same of re-tests after a merge: on plans that a reveal of the iteration does not show."""
RESTORE = "Restore it from the lab's git history"


class Revealed(Record):
    """revealed.json: the figures of an iteration's sealed plans were shown to a person."""

    version: int = VERSION
    iteration: int
    step: str
    when: str
    plans: dict[str, str] = Field(description="name -> digest of its folder when it was used")


def is_sealed(folder: Path) -> bool:
    """Whether an iteration decides by sealed plans whose figures were not revealed."""
    if (folder / REVEALED).exists():
        return False
    if (folder / SEALED_VERDICT).exists():
        return True
    meta = read_if_whole(folder / "meta.json", IterationMeta)
    return meta is not None and meta.judged_by is not None and meta.judged_by.seals


def holds_figures(name: str) -> bool:
    """Whether a file of an iteration holds figures of its sealed plans.

    >>> holds_figures("runs_verify.json"), holds_figures("runs_train.json")
    (True, False)
    """
    return any(fnmatchcase(name, pattern) for pattern in _HOLD_FIGURES)


def may_be_shown(folder: Path, name: str) -> bool:
    """Whether a file of an iteration holds nothing that is sealed."""
    if any(fnmatchcase(name, pattern) for pattern in _RETESTS):
        return False
    return not (holds_figures(name) and is_sealed(folder))


def shown_verdict(folder: Path) -> Verdict | None:
    """The verdict of an iteration as it may be shown; None where there is none to read."""
    if not is_sealed(folder):
        return whole_verdict(folder)
    return read_if_whole(folder / VERDICT, Verdict)


def was_confirming(folder: Path) -> bool:
    """Whether any run on sealed plans was ever planned: from then on a confirmation is spent."""
    return any(next(folder.glob(pattern), None) for pattern in _HOLD_FIGURES)


def whole_verdict(folder: Path) -> Verdict | None:
    """The verdict with the figures of sealed plans: to compute it again, never to show it."""
    name = SEALED_VERDICT if (folder / SEALED_VERDICT).exists() else VERDICT
    return read_if_whole(folder / name, Verdict)


def revealed_plans(lab: Lab, step: str) -> dict[str, tuple[int, str]]:
    """Plan -> (the iteration whose figures were revealed, digest of the plan's folder then).

    Raises StoreError for a damaged record: damage never makes a plan sealed again.
    """
    found: dict[str, tuple[int, str]] = {}
    for record in _records(lab, step):
        found |= {name: (record.iteration, digest) for name, digest in record.plans.items()}
    return found


def without_revealed(lab: Lab, step: str, folder: Path, names: list[str]) -> list[str]:
    """Those of the plans in `folder` that no person has seen the figures of.

    A plan counts as seen by its name or by its content: neither a copy nor an edit seals it again.
    """
    seen = revealed_plans(lab, step)
    if not seen:
        return names
    digests = {digest for _, digest in seen.values()}
    return [n for n in names if n not in seen and digest_folder(folder / n) not in digests]


def _records(lab: Lab, step: str) -> Iterator[Revealed]:
    for number, its_step in sorted(iterations(lab).items()):
        path = lab.iteration(number, its_step) / REVEALED
        if its_step == step and path.exists():
            yield read_record(path, Revealed, fix=RESTORE)
