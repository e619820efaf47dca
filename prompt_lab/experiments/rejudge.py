"""Refuse to test the same change on the same plans twice: that adds no information."""

from prompt_lab.decide.verdict import Code
from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.batches import plan_runs
from prompt_lab.experiments.batches import BatchOrder, EarlierRuns, request_for
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.follow_up import last_of
from prompt_lab.experiments.gather import summary_file
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.propose.remedy import remedy
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta, RunsSummary, read_meta

_OF_THAT_MOMENT = {Code.RECORDED, Code.HEAD_MOVED, Code.BASE_MOVED}
"""Reasons that may change without a new commit and without a new run."""


def check_again(experiment: Experiment, meta: IterationMeta) -> None:
    """Raises ConfigError if the named change already has a verdict on the same models and plans.

    A new trial would spend error budget and run nothing. Recorded answers spend none.
    """
    if not meta.given or experiment.context.defaults.gateway.is_recorded:
        return
    commit = _given_commit(experiment, meta)
    first = last_of(experiment, lambda change: change.commit == commit)
    if first is None or first.verdict.outcome is Outcome.YES:
        return
    fix, codes = remedy(first.verdict), {reason.code for reason in first.verdict.reasons}
    if codes & _OF_THAT_MOMENT or (fix is not None and fix.rerun):
        return
    before = read_meta(experiment.context.lab, first.number, experiment.step)
    if _asks(meta) == _asks(before) and _all_there(experiment, meta, commit, first.number):
        advice = f" {fix.text}" if fix else ""
        raise ConfigError(
            [f"{meta.given}: iteration {first.number} has already decided on this commit with these"
             f" runs ({first.verdict.outcome.value}): a second verdict would spend a trial of the "
             "error"
             f" budget and add no information.{advice} Add plans or replicates, or"
             " commit a fix on the branch, and run the same command again"]
        )  # fmt: skip


def _given_commit(experiment: Experiment, meta: IterationMeta) -> str:
    """The current commit of the named branch or pull request; '' if it does not exist."""
    if experiment.pr:
        return experiment.context.code_host(meta.target).get(int(experiment.pr)).head
    return experiment.context.workspace(meta.target).resolve(f"refs/heads/{meta.given}")


def _asks(meta: IterationMeta) -> tuple[object, ...]:
    """The inputs of a verdict besides its runs, without the alpha, which differs each time."""
    policy = meta.judged_by and meta.judged_by.model_copy(update={"alpha": 1.0})
    return meta.plan_sets, meta.models, policy, meta.judge, meta.judge_prompt


def _all_there(experiment: Experiment, meta: IterationMeta, commit: str, before: int) -> bool:
    """Whether every run that decided then would be reused now, apart from probes."""
    folder = experiment.context.lab.iteration(before, experiment.step)
    runs_then = read_if_whole(folder / summary_file(Split.TRAIN), RunsSummary)
    plans = (runs_then.plans if runs_then else ()) or meta.plans[Split.TRAIN]
    commits = {Side.BASELINE: meta.main_commit, Side.CANDIDATE: commit}
    order = BatchOrder("train", Split.TRAIN, commits, meta.models, plans, meta.replicates)
    runs = plan_runs(request_for(experiment, order), EarlierRuns(experiment, Split.TRAIN))
    return all(run.reused or run.probe for run in runs)
