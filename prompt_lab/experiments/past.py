"""Read earlier iterations of a step: their synthesis, and how each ended."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from shlex import join
from statistics import fmean
from typing import TypeVar

from pydantic import BaseModel

from prompt_lab.analyze.failure_modes import Instructions, parse_instructions
from prompt_lab.analyze.synthesis import Tried
from prompt_lab.decide.verdict import Verdict, explain, failed_guards
from prompt_lab.errors import TargetError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import as_planned, version_at
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import Change, PromptVersion, RunRecord, RunRow
from prompt_lab.store.batch import Batch
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_parsed, read_record
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.iterations import REVERTED, SUMMARY, Conclusion, Reverted, is_ours
from prompt_lab.store.layout import MARKER, Lab
from prompt_lab.store.runs import is_finished, read_row

M = TypeVar("M", bound=BaseModel)


def read_tried_changes(lab: Lab, step: str) -> list[Tried]:
    """Every concluded iteration of a step, oldest first."""
    found = []
    for number, folder in _concluded(lab, step):
        change = _read(folder / "change.json", Change)
        verdict = _read(folder / "verdict.json", Verdict)
        conclusion = _read(folder / "conclusion.json", Conclusion)
        back = reverted(folder)
        found.append(
            Tried(
                iteration=number,
                strategy=change.strategy,
                title=change.direction or change.title,
                outcome=verdict.outcome,
                effect=verdict.effect,
                merged=bool(conclusion.merged_commit),
                reverted_after=back.after if back else None,
                flags=_flags(verdict, back),
                path=lab.relative(folder / "verdict.json"),
                follow_up_of=verdict.follow_up_of,
                rank_score=change.rank_score,
            )
        )
    return found


def reverted(folder: Path) -> Reverted | None:
    """How an iteration's merge was reverted; None if it was not. Raises StoreError."""
    path = folder / REVERTED
    if not path.exists():
        return None
    back = _read(path, Reverted)
    return back if back.merged_commit else None


def _flags(verdict: Verdict, back: Reverted | None) -> tuple[str, ...]:
    """The objections to a change: the failed guards, the finding, why it was reverted."""
    told = explain(verdict)
    said = [f"{guard.name}: {guard.text}" for guard in failed_guards(verdict)]
    said += [told.finding] if told.finding else []
    said += [f"Taken back by #{back.pull}: {back.reason}"] if back else []
    return tuple(dict.fromkeys(said))


def tried_on(experiment: Experiment, commit: str) -> list[str]:
    """Strategies whose change to this prompt was decided (not INVALID) or given up.

    Prompts are compared by content, not by commit: a revert restores an old prompt.
    """
    wanted, found = _content(experiment, commit), []
    changes = list(_changes_given_up(experiment.context.lab, experiment.step))
    for _, folder in _concluded(experiment.context.lab, experiment.step):
        verdict = _read(folder / "verdict.json", Verdict)
        if verdict.outcome is not Outcome.INVALID:
            changes.append(_read(folder / "change.json", Change))
    for change in changes:
        start = change.start_commit or change.base_commit
        found += [change.strategy] if _content(experiment, start) == wanted else []
    return found


def _changes_given_up(lab: Lab, step: str) -> Iterator[Change]:
    """The changes of given-up iterations, where they had one."""
    for number, its_step in sorted(iterations(lab).items()):
        folder = lab.iteration(number, its_step)
        if its_step == step and is_given_up(folder):
            change = read_if_whole(folder / "change.json", Change)
            if change is not None:
                yield change


def known_modes(lab: Lab, step: str) -> Instructions:
    """The lab's instructions for a step: its known failure modes."""
    path = lab.instructions(step)
    if not path.exists():
        return Instructions(step=step)
    return read_parsed(path, parse_instructions, fix=in_history(path))


def _content(experiment: Experiment, commit: str) -> tuple[str, str]:
    """Prompt and schema at a commit; a commit that no longer exists equals no other."""
    try:
        version = version_at(experiment, commit)
    except TargetError:
        return commit, ""
    return version.text, version.schema_text


def last_synthesis(lab: Lab, step: str, *, before: int) -> str:
    """Path of the newest concluded iteration's synthesis, relative to the lab; '' if none."""
    paths = [f / "synthesis.md" for n, f in _concluded(lab, step) if n < before]
    return next((lab.relative(p) for p in reversed(paths) if p.is_file()), "")


def first_baseline(lab: Lab, step: str) -> str:
    """The commit that the first concluded iteration of a step was compared with."""
    _, folder = next(_concluded(lab, step))
    return _read(folder / "change.json", Change).base_commit


def last_rows(experiment: Experiment, prompt: PromptVersion) -> list[RunRow]:
    """The newest train runs that were made with this very prompt."""
    lab, outputs = experiment.context.lab, experiment.context.adapter(experiment.step).outputs
    wanted = sha256(prompt.text.encode()).hexdigest()
    for _, folder in reversed(list(_concluded(lab, experiment.step))):
        path = folder / "batch_train.json"
        planned = _read(path, Batch).runs if path.exists() else ()
        runs = [r for r in planned if is_finished(lab.root / r.path)]
        rows = [as_planned(read_row(lab, r.path, outputs, reused=r.reused), r) for r in runs]
        rows = [row for row in rows if row.record.sent.prompt_sha256 == wanted]
        if rows:
            return rows
    return []


def difficulty(lab: Lab, step: str, *, before: int, split: Split = Split.TRAIN) -> dict[str, float]:
    """Plan -> mean score of its runs in earlier iterations; a lower one is harder.

    Of sealed plans the runs of the baseline count alone: those of candidates were selected.
    """
    scores: dict[str, list[float]] = {}
    for number, folder in _concluded(lab, step):
        path = folder / f"batch_{split.value}.json"
        if number >= before or not path.exists():
            continue
        for run in _read(path, Batch).runs:
            if split is Split.VERIFY and run.side is Side.CANDIDATE:
                continue
            record = read_if_whole(lab.root / run.path / MARKER, RunRecord) if run.path else None
            if record is not None:
                scores.setdefault(run.plan, []).append(record.primary)
    return {plan: fmean(of) for plan, of in scores.items()}


VERDICT_LOST = "its verdict.json is missing or damaged"


def verdict_is_lost(folder: Path) -> bool:
    """Whether an iteration that ended, or has a verdict file at all, has no verdict to read."""
    path = folder / "verdict.json"
    if not path.exists() and is_given_up(folder):
        return False
    if not path.exists() and not ((folder / SUMMARY).exists() and is_ours(folder)):
        return False
    return read_if_whole(path, Verdict) is None


def in_history(path: Path) -> str:
    """How to restore a file of a concluded iteration from the lab's git history.

    It ends with a command to copy, so nothing may be appended to its line.
    """
    command = join(["git", "-C", str(path.parent), "checkout", "--", path.name])
    return f"{command} restores it"


def _read(path: Path, kind: type[M]) -> M:
    return read_record(path, kind, fix=in_history(path))


def _concluded(lab: Lab, step: str) -> Iterator[tuple[int, Path]]:
    for number, its_step in sorted(iterations(lab).items()):
        folder = lab.iteration(number, its_step)
        if its_step == step and (folder / "conclusion.json").is_file():
            yield number, folder
