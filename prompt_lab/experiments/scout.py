"""Scout: run the baseline on a few plans, to choose the first change in a lab without synthesis."""

from collections.abc import Iterator

from prompt_lab.decide.verdict import Trial
from prompt_lab.errors import StoreError
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_unanswered
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import summarise_batch
from prompt_lab.experiments.looks import all_runs
from prompt_lab.experiments.needs import Need
from prompt_lab.names import Side, Split
from prompt_lab.store.iterations import read_meta


def scout(experiment: Experiment) -> Iterator[Need]:
    """Run the baseline on a few train plans, and write scout.json.

    The first model that answers exactly is run, since its runs are all reused later.
    """
    if experiment.skip_runner:
        raise StoreError(f"{experiment.folder}: the scout has not run. Leave --skip-runner out.")
    ctx = experiment.context
    meta = read_meta(ctx.lab, experiment.number, experiment.step)
    policy = ctx.policy_of(meta)
    first = Trial(policy, meta.models, meta.plans[Split.TRAIN])  # its first look reuses these
    exact = [alias for alias in meta.models if ctx.models[alias].deterministic]
    order = BatchOrder(
        "scout",
        Split.TRAIN,
        {Side.BASELINE: meta.main_commit},
        (exact or list(meta.models))[:1],
        first.plans[: ctx.defaults.scout_plans],
        1,
    )
    batch = batch_for(experiment, order)
    rows = yield from all_runs(experiment, batch)
    refuse_unanswered(experiment, batch, rows)
    summary = summarise_batch(experiment, batch, rows)
    note_taint(experiment, batch, summary)
    experiment.write("scout.json", summary.model_dump_json(indent=2) + "\n")
