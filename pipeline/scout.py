"""Scout: the baseline on a few plans, where a lab without a synthesis takes its first idea from."""

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.base import Phase
from pipeline.batch import Order, batch_for
from pipeline.gather import summarise
from pipeline.prepare import Prepare
from pipeline.run import missing_runs, whole_rows
from prompt_lab.errors import StoreError
from prompt_lab.names import Side, Split
from prompt_lab.store.iterations import read_meta


class Scout(Phase):
    """The baseline on a few train plans: where a lab without a synthesis takes its idea from."""

    FILE = "scout.json"

    def requires(self) -> luigi.Task:
        """The names of models and plans."""
        return self.like(Prepare)

    def work(self) -> Iterator[Any]:
        """Run the first model that answers exactly, since its runs are all reused later."""
        if self.skip_runner:
            raise StoreError(f"{self.folder}: the scout has not run. Leave --skip-runner out.")
        ctx = self.ctx
        meta = read_meta(ctx.lab, self.number, self.step)
        exact = [alias for alias in meta.models if ctx.models[alias].deterministic]
        order = Order(
            "scout",
            Split.TRAIN,
            {Side.BASELINE: meta.main_commit},
            (exact or list(meta.models))[:1],
            meta.plans[Split.TRAIN][: ctx.defaults.scout_plans],
            1,
        )
        batch = batch_for(self, order)
        yield missing_runs(self.number, self.step, batch)
        rows = yield from whole_rows(self, batch)
        summary = summarise(self, batch, rows)
        self.write(summary.model_dump_json(indent=2) + "\n")
