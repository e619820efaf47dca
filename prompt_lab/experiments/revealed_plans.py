"""Sealed plans whose figures a person has seen: they decide about no further candidate."""

from collections.abc import Sequence

from prompt_lab.decide.verdict import Policy, fewest_sealed_plans
from prompt_lab.errors import StoreError
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.names import Split, count
from prompt_lab.store.iterations import read_meta
from prompt_lab.store.plans import plans_in
from prompt_lab.store.sealed import revealed_plans, without_revealed


def sealed_plans(experiment: Experiment, policy: Policy) -> list[str]:
    """The verify plans that may decide about a candidate; none where there are none.

    Raises StoreError if so many were revealed that those that are left cannot say YES.
    """
    lab, step = experiment.context.lab, experiment.step
    folder = lab.plans(Split.VERIFY)
    _, usable = plans_in(folder, experiment.context.adapter(step).inputs)
    left = without_revealed(lab, step, folder, usable)
    wanted = fewest_sealed_plans(policy)
    if len(left) < len(usable) and len(left) < wanted:
        raise StoreError(f"{_refusal(experiment, usable, f'{wanted - len(left)} or more')}.")
    return left


def check_sealed(experiment: Experiment) -> None:
    """Raises StoreError if plans of this undecided iteration were revealed since it was prepared.

    Its screening is kept; a new iteration on the same branch uses the plans that are added.
    """
    lab, step = experiment.context.lab, experiment.step
    wanted = list(read_meta(lab, experiment.number, step).plans[Split.VERIFY])
    left = without_revealed(lab, step, lab.plans(Split.VERIFY), wanted)
    if len(left) < len(wanted):
        raise StoreError(
            f"{_refusal(experiment, wanted, 'further')}, end this iteration with `luigi --module"
            f" pipeline GiveUp --number {experiment.number}`, and start again."
        )


def _refusal(experiment: Experiment, names: Sequence[str], size: str) -> str:
    """One sentence: whose figures were revealed, and how to add plans."""
    lab, step = experiment.context.lab, experiment.step
    numbers = sorted({number for number, _ in revealed_plans(lab, step).values()})
    by = ", ".join(map(str, numbers))
    return (
        f"The figures of {count(len(names), 'verify plan')} were revealed by `prompt-lab reveal` of"
        f" iteration {by}, so these plans can confirm no undecided candidate of step {step!r}: put"
        f" {size} new plans, one folder each, into {lab.plans(Split.VERIFY)}"
        f" (the revealed ones may move to {lab.plans(Split.TRAIN)})"
    )
