"""Scout: the baseline on a few plans, where a lab without a synthesis takes its first idea from."""

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.tasks.base import Phase
from pipeline.tasks.run import all_runs
from prompt_lab.decide.verdict import Trial
from prompt_lab.errors import StoreError
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_unanswered
from prompt_lab.experiments.gather import summarise_batch
from prompt_lab.experiments.prepare import Prepare
from prompt_lab.names import Side, Split
from prompt_lab.store.iterations import read_meta


class Scout(Phase):
    """The baseline on a few train plans: where a lab without a synthesis takes its idea from."""

    FILE = "scout.json"

    def requires(self) -> luigi.Task:
        """The names of models and plans."""
        return self.clone_as(Prepare)

    def work(self) -> Iterator[Any]:
        """Run the first model that answers exactly, since its runs are all reused later."""
        if self.skip_runner:
            raise StoreError(f"{self.folder}: the scout has not run. Leave --skip-runner out.")
        ctx = self.context
        meta = read_meta(ctx.lab, self.number, self.step)
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
        batch = batch_for(self, order)
        rows = yield from all_runs(self, batch)
        refuse_unanswered(self, batch, rows)
        summary = summarise_batch(self, batch, rows)
        note_taint(self, batch, summary)
        self.write(summary.model_dump_json(indent=2) + "\n")
