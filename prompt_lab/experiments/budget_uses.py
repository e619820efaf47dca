"""The uses of a step's plans that its error budget counts."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from prompt_lab.decide.ledger import Use, grant
from prompt_lab.decide.verdict import Code, Policy, Verdict
from prompt_lab.errors import StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.crash import EVENT
from prompt_lab.experiments.past import VERDICT_LOST, in_history, verdict_is_lost
from prompt_lab.names import Split
from prompt_lab.store.counters import iterations, trials_in_history
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.iterations import (
    SUMMARY,
    VERDICT,
    Conclusion,
    IterationMeta,
    RunsSummary,
    is_ours,
    read_meta,
)
from prompt_lab.store.journal import events
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.runs import Irregular, run_folders
from prompt_lab.store.sealed import SEALED_VERDICT, was_confirming

ROUNDING = 1e-9
"""Shares of an error budget that differ by less are equal."""


class StepHistory(NamedTuple):
    """What the lab holds of a step: its iterations, and when history was claimed for which."""

    lab: Lab
    step: str
    folders: frozenset[int]
    asked: Mapping[int, Sequence[str]]

    @classmethod
    def read(cls, lab: Lab, step: str) -> "StepHistory":
        """Look it up."""
        folders = frozenset(n for n, its_step in iterations(lab).items() if its_step == step)
        return cls(lab, step, folders, trials_in_history(lab, step))


def uses(ctx: LabContext, step: str, policy: Policy, *, before: int) -> list[Use]:
    """Every use of the step's plans that the ledger counts, oldest first.

    A trial counts once it is prepared, however it ended, even if its folder is missing and only
    history shows it. Three kinds do not count: changes that the step never reads, recorded answers,
    which can merge nothing, and candidates that ended before any sealed plan was run, since the
    screening merges nothing. While such an iteration is open, it counts: it may still confirm.
    A trial of rules 1 and 2 spends nothing of the budget of a policy that decides by sealed plans:
    train plans decided it. The same rows judged again, at no more alpha, spend nothing. Raises
    StoreError if a needed file is damaged: damage never enlarges the budget.
    """
    known, since = StepHistory.read(ctx.lab, step), policy.ledger.since
    lost = _find_lost_trials(known, before)
    found: list[Use] = []
    for number in sorted(n for n in known.folders | lost if n >= since):
        if number in lost:
            alpha = grant(found, policy).alpha
            found.append(Use(iteration=number, plan_set="", alpha=alpha))
        if number in known.folders and number < before:
            found += _uses_of(known, number)
    return _without_repeats(found)


def _without_repeats(found: Sequence[Use]) -> list[Use]:
    """The uses; one that judged known rows at more alpha than before counts by itself."""
    first: dict[str, float] = {}
    checked = []
    for use in found:
        if use.rows and use.alpha > first.setdefault(use.rows, use.alpha) + ROUNDING:
            checked.append(use.model_copy(update={"rows": ""}))
        else:
            checked.append(use)
    return checked


def irregular_trials(lab: Lab) -> Iterator[Irregular]:
    """Iterations whose budget use cannot be determined, or is known only from history."""
    steps = {folder.name.partition("_")[2] for folder in run_folders(lab).values()}
    for step in sorted(steps | set(iterations(lab).values())):
        known = StepHistory.read(lab, step)
        lost = _find_lost_trials(known, sys.maxsize)
        for number in sorted(known.folders | lost):
            faults = []
            path = lab.relative(lab.iteration(number, step))
            if number in lost:
                fix = f"Restore it: git -C {lab.root} checkout {path}"
                faults.append(
                    f"history has runs of a trial whose folder is missing. It counts. {fix}"
                )
            if number in known.folders:
                try:
                    _uses_of(known, number)
                except StoreError as error:
                    faults.append(str(error))
                if verdict_is_lost(lab.iteration(number, step)):
                    verdict = lab.iteration(number, step) / "verdict.json"
                    faults.append(f"{VERDICT_LOST}. {in_history(verdict)}")
            if faults:
                yield Irregular(path, tuple(faults))


def _find_lost_trials(known: StepHistory, before: int) -> set[int]:
    """Trials known only from history: their folder was removed or replaced.

    A crashed train batch compared nothing. A verify batch, or one without a recorded split, means
    that the train plans were used.
    """
    lab = known.lab
    rows = [e for e in events(lab, EVENT) if e.get("batch") == Split.TRAIN]
    crashed = {str(e.get("iteration")): str(e["timestamp"]) for e in rows}
    found = set()
    for number, stamps in known.asked.items():
        path = lab.iteration(number, known.step) / "meta.json"
        meta = read_if_whole(path, IterationMeta) if number in known.folders else None
        if meta is None and number in known.folders and number < before:
            continue  # its folder is there, and _meta_of says what is wrong with it
        until = meta.created if meta else "~"
        if any(crashed.get(str(number), "") < stamp < until for stamp in stamps):
            found.add(number)
    return found


def _uses_of(known: StepHistory, number: int) -> list[Use]:
    folder = known.lab.iteration(number, known.step)
    meta = _meta_of(known, number)
    if meta is None or meta.judged_by is None:
        return []
    runs = read_if_whole(folder / "runs_train.json", RunsSummary)
    if runs is not None and runs.skipped:
        return []
    alpha, merged, sets = meta.judged_by.alpha, _is_merged(folder), meta.plan_sets
    train, verify = sets.get(Split.TRAIN, ""), sets.get(Split.VERIFY, "")
    found, seals = [], meta.judged_by.seals
    if merged or not (_is_recorded(folder) or (seals and _ended_at_screening(folder))):
        found.append(
            Use(
                iteration=number,
                plan_set=verify if seals else train,
                alpha=alpha,
                merged=merged,
                sealed=seals,
                rows=_rows_of_confirmation(folder) if seals else "",
            )
        )
    if (folder / "batch_verify.json").exists() and not seals:
        found.append(Use(iteration=number, plan_set=verify, kind="verify", alpha=0.0))
    if (folder / "since_start.json").exists():
        found.append(Use(iteration=number, plan_set=train, kind="origin", alpha=0.0))
    return found


def _rows_of_confirmation(folder: Path) -> str:
    """The fingerprint of the sealed pairs that an iteration judged; '' where it judged none."""
    verdict = read_if_whole(folder / SEALED_VERDICT, Verdict)
    return verdict.fingerprint if verdict is not None and verdict.n_pairs else ""


def _meta_of(known: StepHistory, number: int) -> IterationMeta | None:
    """None for a folder of another tool. Raises StoreError where ours is damaged."""
    folder = known.lab.iteration(number, known.step)
    if number not in known.asked and not is_ours(folder):
        return None
    path = folder / "meta.json"
    if (folder / SUMMARY).exists():
        return read_record(path, IterationMeta, fix=in_history(path))
    return read_meta(known.lab, number, known.step)


def _is_merged(folder: Path) -> bool:
    """Whether its pull request was merged. Raises StoreError where that is damaged."""
    path = folder / "conclusion.json"
    ended = (folder / SUMMARY).exists() and not is_given_up(folder)
    if not path.exists() and not ended:
        return False
    return bool(read_record(path, Conclusion, fix=in_history(path)).merged_commit)


def _ended_at_screening(folder: Path) -> bool:
    """Whether an iteration has ended, and no run on sealed plans was ever planned."""
    ended = (folder / VERDICT).exists() or is_given_up(folder)
    return ended and not was_confirming(folder)


def _is_recorded(folder: Path) -> bool:
    """Whether its verdict was made from recorded answers, which never gives a YES."""
    verdict = read_if_whole(folder / VERDICT, Verdict)
    return verdict is not None and Code.RECORDED in {reason.code for reason in verdict.reasons}
