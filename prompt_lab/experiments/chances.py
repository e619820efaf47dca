"""The dry run's table: how often a first trial ends in YES, under each policy that seals plans."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.decide.verdict import Policy, chances_of_yes, recommend
from prompt_lab.evaluate.pairs import is_binary
from prompt_lab.experiments.budget_grant import alpha_of
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import version_at
from prompt_lab.experiments.noise_floor import read_floor
from prompt_lab.experiments.past import last_rows
from prompt_lab.names import Split, count
from prompt_lab.store.iterations import IterationMeta

EFFECTS = (0.0, 0.05, 0.10, 0.20)
_IF_SAVED = {"none": "", "length": ", if shorter", "cost": ", if cheaper"}
"""What a chance takes for granted under a policy that asks for a saving."""
GUESSED_RATE = 0.6
SEED = 0


class KnownScores(NamedTuple):
    """What is known of the baseline's scores before the first call."""

    binary: bool
    mean: float
    source: str


def scores_before(experiment: Experiment, meta: IterationMeta) -> KnownScores:
    """The kind and mean of the baseline's scores on train plans, or a stated guess."""
    rows = last_rows(experiment, version_at(experiment, meta.main_commit))
    if rows:
        mean = sum(row.record.primary for row in rows) / len(rows)
        binary = meta.judge is None and is_binary(rows)
        return KnownScores(binary, mean, f"as in {count(len(rows), 'earlier run')}")
    floor = read_floor(experiment.context.lab, meta.step)
    if floor is not None and floor.by_model:
        mean = sum(one.mean for one in floor.by_model) / len(floor.by_model)
        return KnownScores(True, mean, "mean from the noise floor")
    return KnownScores(True, GUESSED_RATE, "a guess, before any run")


def describe_chances(experiment: Experiment, meta: IterationMeta) -> list[str]:
    """Lines of the dry run: the chance of a YES by policy and true gain, and the recommendation."""
    models, known = experiment.context.models, scores_before(experiment, meta)
    exact = all(models[alias].deterministic for alias in meta.models)
    policies = _policies(experiment, meta)
    tables = [
        chances_of_yes(
            policy.model_copy(update={"confirm_replicates": 1}) if exact else policy,
            plans_train=len(meta.plans[Split.TRAIN]),
            plans_verify=len(meta.plans[Split.VERIFY]),
            models=len(meta.models),
            binary=known.binary,
            baseline_rate=known.mean,
            effects=EFFECTS,
            seed=SEED,
        )
        for policy in policies
    ]
    kind = "0/1 scores" if known.binary else "graded scores"
    heads = "".join(f"{f'+{effect * 100:.0f}':>7}" for effect in EFFECTS)
    lines = [
        "",
        "  Chance that this iteration ends in YES, by the true gain in points, every gate included",
        f"  ({kind} with mean {known.mean:.2f}, {known.source}):",
        f"    {'policy':22}{heads}",
    ]
    for policy, table in zip(policies, tables, strict=True):
        cells = "".join(f"{row.yes:>7.0%}" for row in table.rows)
        short = f"   takes {table.needed} verify plans" if not table.possible else ""
        lines.append(f"    {table.policy + _IF_SAVED[policy.saving]:22}{cells}{short}")
    gains = [t for p, t in zip(policies, tables, strict=True) if p.saving == "none"]
    return [*lines, f"  {recommend(gains or tables).reason}"]


def _policies(experiment: Experiment, meta: IterationMeta) -> Sequence[Policy]:
    """The iteration's own policy first, then the others that seal plans and have alpha left.

    Those that ask for a saving come last.
    """
    context = experiment.context
    own = context.policy_of(meta)
    found = [own]
    for name in sorted(context.files.names("policies")):
        policy = context.policy(name)
        if name == meta.policy or not policy.seals:
            continue
        alpha = alpha_of(context, experiment.step, policy, before=experiment.number)
        found += [policy.at_alpha(alpha)] if alpha > 0 else []
    return [own, *sorted(found[1:], key=lambda policy: policy.saving != "none")]
