"""Sealed plans that are fresh for a merge: nothing that led to it has seen them."""

from collections.abc import Iterator

from prompt_lab.errors import TargetError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import version_at
from prompt_lab.names import Split
from prompt_lab.records import Change
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import RunsSummary, read_change
from prompt_lab.store.plan_files import digest_folder
from prompt_lab.store.plans import plans_in
from prompt_lab.store.retests import batches_of, retested_plans
from prompt_lab.store.sealed import without_revealed


def fresh_plans(experiment: Experiment) -> list[str]:
    """The verify plans on which a merge can be re-tested, in the order of their names.

    Those are plans that were added after the merge, and sealed plans on which this prompt was not
    run before it. Plans do not count that were train plans of an iteration up to the merge, whose
    figures were revealed, or that a re-test of this merge has used, under any name.
    """
    context, step = experiment.context, experiment.step
    folder = context.lab.plans(Split.VERIFY)
    _, usable = plans_in(folder, context.adapter(step).inputs)
    left = without_revealed(context.lab, step, folder, usable)
    used = _used_plans(experiment) | retested_plans(experiment.folder)
    digests = set(used.values())
    return [n for n in left if n not in used and digest_folder(folder / n) not in digests]


def _used_plans(experiment: Experiment) -> dict[str, str]:
    """Plan -> digest of all that this prompt, or its author, could have been fitted to."""
    lab, found = experiment.context.lab, dict[str, str]()
    for number, step in sorted(iterations(lab).items()):
        if step != experiment.step or number > experiment.number:
            continue
        folder = lab.iteration(number, step)
        for batch in batches_of(folder, Split.TRAIN):
            found |= batch.plans
    for number in _iterations_of_prompt(experiment):
        folder = lab.iteration(number, experiment.step)
        summary = read_if_whole(folder / "runs_verify.json", RunsSummary)
        for batch in batches_of(folder, Split.VERIFY):
            asked = summary.plans if summary is not None and summary.plans else batch.plans
            found |= {name: batch.plans.get(name, "") for name in asked}
    return found


def _iterations_of_prompt(experiment: Experiment) -> Iterator[int]:
    """The iterations up to the merge that ran the very prompt that was merged."""
    lab = experiment.context.lab
    merged = _content(experiment, read_change(lab, experiment.number, experiment.step))
    for number, step in sorted(iterations(lab).items()):
        if step != experiment.step or number > experiment.number:
            continue
        change = read_if_whole(lab.iteration(number, step) / "change.json", Change)
        if change is not None and _content(experiment, change) == merged:
            yield number


def _content(experiment: Experiment, change: Change) -> tuple[str, str]:
    """Prompt and schema; a commit that no longer exists equals no other."""
    try:
        version = version_at(experiment, change.commit)
    except TargetError:
        return change.commit, ""
    return version.text, version.schema_text
