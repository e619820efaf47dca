"""Run one iteration in this process, without Luigi: the phases in order, and what they need."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabBusy, StoreError, TransientError
from prompt_lab.experiments.agent_work import analysts_of
from prompt_lab.experiments.analysis import (
    write_assessment,
    write_code_review,
    write_insight,
    write_synthesis,
)
from prompt_lab.experiments.conclude import conclude, write_report
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.decision import write_verdict
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.finish import finish_iteration, saved_summary
from prompt_lab.experiments.flags import NEXT, settle
from prompt_lab.experiments.gather import summary_file
from prompt_lab.experiments.implement import implement
from prompt_lab.experiments.llm_judge import is_judged, judge_look
from prompt_lab.experiments.make_runs import RunMaker, make_run_context
from prompt_lab.experiments.needs import JudgementsNeeded, Need, RunsNeeded, ScoutNeeded
from prompt_lab.experiments.prepare import is_prepared, prepare
from prompt_lab.experiments.runs import complete_split
from prompt_lab.experiments.scout import scout
from prompt_lab.experiments.since_start import compare_since_start, since_start_due
from prompt_lab.names import Split, count
from prompt_lab.report.progress import Progress
from prompt_lab.store.batch import batch_path, read_batch
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.iterations import SUMMARY
from prompt_lab.store.layout import LabLock
from prompt_lab.store.runs import is_finished

UseCase = Callable[[Experiment], Iterator[Need]]
Stage = tuple[str, Callable[[Experiment], object]]
"""The file that a phase writes, and what writes it."""
SHOWN = 5
_DEFAULTS: dict[str, Any] = {
    **{"step": "", "number": NEXT, "models": "", "plans": "", "branch": "", "pr": 0, "agent": ""},
    **{"analysts": "", "follow_up": 0, "replicates": 0, "race": 1, "rivals": ""},
    **{"skip_implement": False, "skip_runner": False, "force_model": False},
}


def make_experiment(context: LabContext, **options: Any) -> Experiment:
    """The iteration that these options select, resolved as the command resolves its flags.

    Options are fields of Experiment; without `number` it is the open iteration, else the next
    one. Raises LabError for options that make no sense together.
    """
    start = options.pop("start", "")
    values = settle(context, {**_DEFAULTS, **options, "from": start})
    values["start"] = values.pop("from")
    return Experiment(context, **values)


def run_iteration(experiment: Experiment) -> str:
    """Run every phase of an iteration that is missing. Returns its summary.

    The lab is locked meanwhile. Raises the LabError that ends a phase; the same call then goes on
    from there.
    """
    with hold_lab(experiment.context):
        _check_open(experiment)
        if (experiment.folder / SUMMARY).exists():
            return saved_summary(experiment)
        if not is_prepared(experiment):
            prepare(experiment)
        for file, run in _missing_stages(experiment):
            if not (experiment.folder / file).exists():
                run(experiment)
        if since_start_due(experiment) and not (experiment.folder / "since_start.json").exists():
            complete(experiment, compare_since_start)
        return finish_iteration(experiment)


def complete(experiment: Experiment, use_case: UseCase) -> None:
    """Run a use case to its end, restarting it whenever something it needs was made."""
    while any(supply(experiment, need) for need in use_case(experiment)):
        continue


def supply(experiment: Experiment, need: Need) -> bool:
    """Make what a use case needs; False if it exists already."""
    if isinstance(need, RunsNeeded):
        return _make_runs(experiment, need)
    if isinstance(need, JudgementsNeeded):
        if is_judged(experiment, need.batch, need.look, need.content):
            return False
        judge_look(experiment, need.batch, need.look)
        return True
    file, use_case = "scout.json", scout
    if not isinstance(need, ScoutNeeded):
        file, use_case = summary_file(need.split), partial(complete_split, split=need.split)
    if (experiment.folder / file).exists():
        return False
    complete(experiment, use_case)
    return True


@contextmanager
def hold_lab(context: LabContext) -> Iterator[None]:
    """Keep other processes off the lab until the block ends. Raises LabBusy."""
    root = context.lab.root
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    context.load_adapter("git", "exclude")(root)
    lock = LabLock(context.lab.lock)
    if not lock.acquire(shared=False):
        raise LabBusy(f"{root}: another process is using this lab. Wait until it ends.")
    try:
        write_text(root / ".lock-holder", f"pid {os.getpid()}, since {utc_now()}\n")
        yield
    finally:
        lock.release()


def _missing_stages(experiment: Experiment) -> list[Stage]:
    """The phases after the last one whose file exists."""
    chain = _stages(experiment)
    own = [n for n, (file, _) in enumerate(chain) if not file.startswith(("insight_", "code_"))]
    there = [n for n in own if (experiment.folder / chain[n][0]).exists()]
    return chain[max(there) + 1 :] if there else chain


def _stages(experiment: Experiment) -> list[Stage]:
    """All phases from the change to the report, in order."""
    train = partial(complete_split, split=Split.TRAIN)
    stages: list[Stage] = [
        ("change.json", partial(complete, use_case=implement)),
        (summary_file(Split.TRAIN), partial(complete, use_case=train)),
    ]
    for analyst in analysts_of(experiment):
        for prefix, write in (("insight", write_insight), ("code", write_code_review)):
            file = f"{prefix}_{analyst}.md"
            stages.append((file, partial(write, analyst=analyst, file=file)))
    return [
        *stages,
        ("synthesis.md", write_synthesis),
        ("assessment.md", write_assessment),
        ("verdict.json", partial(complete, use_case=write_verdict)),
        ("conclusion.json", conclude),
        ("report.html", write_report),
    ]


def _make_runs(experiment: Experiment, need: RunsNeeded) -> bool:
    """Make the runs that are not finished. Raises TransientError where some could not be made."""
    context = experiment.context
    path = batch_path(context.lab, experiment.number, experiment.step, need.batch)
    batch = read_batch(path)
    known = batch.by_key()
    runs = {
        key: known[key] for key in need.keys if not is_finished(context.lab.root / known[key].path)
    }
    if not runs:
        return False
    shared = make_run_context(context, experiment.number, experiment.step, batch, runs)
    title = f"iteration {experiment.number}, {need.batch} runs"
    with Progress(title, len(runs)) as progress:
        maker = RunMaker(shared, progress, need.batch)
        maker.make(runs, {}, lambda _key, _ending: None)
    if maker.faults:
        faults = sorted(set(maker.faults.values()))
        raise TransientError(
            f"{len(maker.faults)} of {count(len(runs), 'run')} could not be made; "
            "finished runs are kept, and the same call makes the rest.\n"
            + "\n".join(faults[:SHOWN])
        )
    return True


def _check_open(experiment: Experiment) -> None:
    if is_given_up(experiment.folder):
        raise StoreError(
            f"{experiment.folder}: iteration {experiment.number} was given up; without a number "
            "the next call starts a new iteration."
        )
