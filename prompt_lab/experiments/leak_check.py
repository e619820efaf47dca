"""Compare what a candidate adds to the step's files with the verify plans."""

from collections.abc import Iterable, Iterator, Sequence

from prompt_lab.analyze.leaked import LeakLocation, decoded_text, leaked, void
from prompt_lab.decide.verdict import Reason
from prompt_lab.errors import StoreError, TargetError
from prompt_lab.experiments.agent_access import copies
from prompt_lab.experiments.agent_work import plan_texts
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import texts
from prompt_lab.experiments.sources import sources_of
from prompt_lab.names import Split
from prompt_lab.records import Change, PlanText
from prompt_lab.store.iterations import IterationMeta, read_change, read_meta
from prompt_lab.store.plans import plan_names


def leaks_under_test(experiment: Experiment, opened: Iterable[str] = ()) -> tuple[Reason, ...]:
    """The finding that the change under test quotes verify plans, if so; () else.

    `opened` are files that runs have loaded, beside those that the step may load.
    """
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return leaks_in(experiment, meta, change, opened)


def leaks_in(
    experiment: Experiment, meta: IterationMeta, change: Change, opened: Iterable[str] = ()
) -> tuple[Reason, ...]:
    """The same for a change that may not be the one under test, such as a rival of a race."""
    places = _places(experiment, meta, (change.base_commit, change.commit), opened)
    return void(places, change.branch)


def leaks_given(experiment: Experiment, meta: IterationMeta) -> tuple[Reason, ...]:
    """The same for a change that the user names, before it is prepared: its current branch."""
    workspace, branch = experiment.context.workspace(meta.target), meta.given
    wanted = f"refs/heads/{branch}"
    if branch[:1] == "#" and branch[1:].isdecimal():
        pull = experiment.context.code_host(meta.target).verify(int(branch[1:]), base=meta.main)
        branch, wanted = pull.branch, pull.head
    commit = workspace.resolve(wanted)
    return void(_places(experiment, meta, (meta.main_commit, commit), ()), branch)


def _places(
    experiment: Experiment, meta: IterationMeta, commits: tuple[str, str], opened: Iterable[str]
) -> tuple[LeakLocation, ...]:
    base, commit = commits
    stood = sources_of(experiment.context, experiment.step, base)
    read = {*stood, *sources_of(experiment.context, experiment.step, commit), *opened}
    contents = copies(experiment.context, meta.target).contents(base, commit)
    changed = {
        path: (_text(before), _text(after))
        for path, (before, after) in contents.items()
        if path in read
    }
    train, verify = (plan_texts(experiment, meta, split) for split in (Split.TRAIN, Split.VERIFY))
    found = leaked(changed, [], train=train, verify=verify)
    if not found:
        return ()
    others = list(_others(experiment, base, [path for path in stood if path not in changed]))
    train += _more_train(experiment, meta.plans[Split.TRAIN])
    return leaked(changed, others, train=train, verify=verify)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _others(experiment: Experiment, base: str, paths: Sequence[str]) -> Iterator[str]:
    """The texts of unchanged files; '' for a binary file."""
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    for path in paths:
        try:
            yield decoded_text(path, workspace.read(base, path))
        except TargetError:
            continue


def _more_train(experiment: Experiment, known: Sequence[str]) -> list[PlanText]:
    """The train plans that are not in this trial, without unreadable ones."""
    found: list[PlanText] = []
    for name in plan_names(
        experiment.context.lab,
        experiment.context.adapter(experiment.step).inputs,
        split=Split.TRAIN,
    ):
        if name not in known:
            try:
                found += texts(experiment, [name], split=Split.TRAIN).values()
            except StoreError:
                continue
    return found
