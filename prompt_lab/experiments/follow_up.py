"""Follow up a CONDITIONAL verdict: apply the fix that it names on its branch, and test again."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from prompt_lab.agents.publication import escape_line, escape_text
from prompt_lab.decide.verdict import Outcome, Verdict
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import is_writable, version_at
from prompt_lab.experiments.ideas import material_of
from prompt_lab.experiments.merge_preview import check_base
from prompt_lab.experiments.past import in_history, tried_on
from prompt_lab.names import PullState
from prompt_lab.propose.model import Draft
from prompt_lab.propose.remedy import Remedy, mender, remedy
from prompt_lab.records import Change
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.iterations import Conclusion, IterationMeta, read_change, read_meta


class First(NamedTuple):
    """The iteration whose verdict is answered."""

    number: int
    change: Change
    verdict: Verdict


def followed(experiment: Experiment) -> int | None:
    """The CONDITIONAL iteration that a new one answers: --follow-up's, or that of the same branch.

    Raises ConfigError if --follow-up names an iteration that asks for none.
    """
    if experiment.follow_up:
        first = first_of(experiment, int(experiment.follow_up))
        if first.verdict.outcome is not Outcome.CONDITIONAL:
            raise ConfigError(
                [f"--follow-up {first.number}: its verdict was {first.verdict.outcome.value}, "
                 "which asks for no follow-up"]
            )  # fmt: skip
        return first.number
    last = last_of(experiment, partial(_names, experiment)) if experiment.change_ref else None
    return last.number if last and last.verdict.outcome is Outcome.CONDITIONAL else None


def first_of(experiment: Experiment, number: int) -> First:
    """An iteration that was concluded. Raises ConfigError or StoreError."""
    its_step = iterations(experiment.context.lab).get(number, experiment.step)
    if its_step != experiment.step:
        raise ConfigError(
            [f"--follow-up {number}: is an iteration of step {its_step!r}: add --step {its_step}"]
        )
    folder = experiment.context.lab.iteration(number, experiment.step)
    if not (folder / "conclusion.json").exists():
        raise ConfigError(
            [f"--follow-up {number}: step {experiment.step!r} has no such verdict yet"]
        )
    path = folder / "verdict.json"
    verdict = read_record(path, Verdict, fix=in_history(path))
    return First(number, read_change(experiment.context.lab, number, experiment.step), verdict)


def check_follow_up(experiment: Experiment, meta: IterationMeta) -> None:
    """Raises ConfigError if a follow-up without a commit of the user cannot be made."""
    if meta.follow_up_of is not None and not meta.given:
        follow_up(experiment, meta, dry=True)


def follow_up(experiment: Experiment, meta: IterationMeta, *, dry: bool = False) -> Change | None:
    """The change with its fix: a new commit on the branch, or the one a user made there.

    If `dry` nothing is written. Raises ConfigError if the fix needs a person or more plans.
    """
    assert meta.follow_up_of is not None
    first = first_of(experiment, meta.follow_up_of)
    change, number = first.change, first.number
    assert change.pull is not None
    host = experiment.context.code_host(meta.target)
    pull = host.get(change.pull)
    if pull.state is not PullState.OPEN:
        raise ConfigError(
            [f"--follow-up {number}: pull request #{pull.number} is {pull.state.value}, not open"]
        )
    pull = host.verify(pull.number, base=meta.main)
    check_base(experiment, pull.head, onto=meta.main, flag=f"--follow-up {number}")
    told = {
        "base_commit": meta.main_commit,
        "follow_up_of": number,
        "source": experiment.context.lab.relative(
            experiment.context.lab.iteration(number, meta.step)
        )
        + "/verdict.json",
    }
    fix = remedy(first.verdict)
    draft = _draft_fix(experiment, meta, first, fix)
    if pull.head != change.commit and (
        draft is None or version_at(experiment, pull.head).text != draft.text
    ):
        here = {"commit": pull.head, "strategy": "given", "title": f"A fix of {change.title}"}
        return change.model_copy(update=told | here)
    if draft is None:
        _check_rerun(experiment, meta, number, fix)
        return change.model_copy(update=told)
    if dry:
        return None
    assert fix is not None
    made = _committed(experiment, meta, first, draft, fix)
    host.open_pull(
        change.branch, base=meta.main, title=escape_line(change.title), body="", when=meta.created
    )
    return change.model_copy(update=told | made)


def _committed(
    experiment: Experiment, meta: IterationMeta, first: First, draft: Draft, fix: Remedy
) -> dict[str, object]:
    """Commit the fix on the branch. Returns the updated fields of the change."""
    change = first.change
    commit = experiment.context.workspace(meta.target).commit_files(
        change.commit,
        change.branch,
        {experiment.context.step(experiment.step).prompt: draft.text},
        message=escape_text(
            f"{draft.title}\n\n{fix.text}\nIteration {first.number} asked for it:\n"
            + "".join(f"- {reason.text}\n" for reason in first.verdict.reasons)
        ),
        when=meta.created,
        append=True,
    )
    return {
        "commit": commit,
        "start_commit": change.commit,
        "strategy": draft.strategy,
        "direction": fix.text,
        "rank_score": None,
        "title": f"{change.title}; {draft.title[:1].lower()}{draft.title[1:]}",
        "description": draft.description,
        "shown": tuple(dict.fromkeys((*change.shown, *draft.plans))),
    }


def _draft_fix(
    experiment: Experiment, meta: IterationMeta, first: First, fix: Remedy | None
) -> Draft | None:
    """The fix as a strategy writes it on the branch's prompt; None if none can."""
    if fix is None or not fix.strategies or not is_writable(experiment, first.change.commit):
        return None
    material = material_of(experiment, meta, version_at(experiment, first.change.commit))
    strategy = mender(
        fix,
        material,
        experiment.context.strategies(),
        tried_on(experiment, first.change.commit),
    )
    return strategy.propose(material) if strategy else None


def _check_rerun(
    experiment: Experiment, meta: IterationMeta, number: int, fix: Remedy | None
) -> None:
    """Raises ConfigError if testing the same commit again would give no new information."""
    if fix is not None and fix.rerun:
        return
    before = read_meta(experiment.context.lab, number, experiment.step).plans
    split = fix.more if fix else None
    if split is not None and set(meta.plans[split]) - set(before[split]):
        return
    wanted = fix.text if fix else "Its verdict names no fix."
    raise ConfigError(
        [f"--follow-up {number}: {wanted} No strategy can do that: commit a fix on the branch"
         " and run the same command again, or add plans where the verdict asks for more"]
    )  # fmt: skip


def last_of(experiment: Experiment, is_it: Callable[[Change], bool]) -> First | None:
    """The newest concluded iteration of the step whose change fits the condition."""
    lab, found = experiment.context.lab, None
    for number, step in sorted(iterations(lab).items()):
        folder = lab.iteration(number, step)
        if step != experiment.step or number >= experiment.number:
            continue
        change = read_if_whole(folder / "change.json", Change)
        verdict = read_if_whole(folder / "verdict.json", Verdict)
        ended = read_if_whole(folder / "conclusion.json", Conclusion)
        if change and verdict and ended and is_it(change):
            found = First(number, change, verdict)
    return found


def _names(experiment: Experiment, change: Change) -> bool:
    return experiment.change_ref in (change.branch, f"#{change.pull}")
