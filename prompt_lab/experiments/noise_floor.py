"""NoiseFloor: run the baseline again and again, and say what that lets a trial see."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import luigi

from pipeline.console import say
from pipeline.tasks.base import Phase, utc_now
from pipeline.tasks.parameters import WholeParameter
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from pipeline.tasks.run import missing_runs
from prompt_lab.errors import ConfigError, LabError, StoreError
from prompt_lab.evaluate.noise_floor import FloorRecord, FloorRequest, estimate, floor_of
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.budget_grant import at_next_alpha
from prompt_lab.experiments.crash import refuse_unmeasurable
from prompt_lab.experiments.estimates import GUESSED, HEAD, characters, row, time
from prompt_lab.experiments.gather import rows_of
from prompt_lab.experiments.preflight import check_version
from prompt_lab.experiments.prepare import train_plans
from prompt_lab.names import Side, Split, count
from prompt_lab.report.noise import render_noise
from prompt_lab.store.files import read_if_whole, write_record, write_text
from prompt_lab.store.layout import NO_ITERATION, Lab
from prompt_lab.store.reusable import timings

REPLICATES = 5


class NoiseFloor(PrintingTask, Phase):
    """The baseline against itself. Writes noise_floor/<step>.json, and a page beside it."""

    ITERATES = False

    number = WholeParameter(
        "--number", default=NO_ITERATION, visibility=luigi.parameter.ParameterVisibility.HIDDEN
    )

    dry_run = luigi.BoolParameter(description="say what would run and what it would cost; no more")

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Refuse what belongs to an iteration: there is no candidate here."""
        found = dict(super().get_param_values(params, args, kwargs))
        if found["branch"] or found["pr"] or found["number"] != NO_ITERATION:
            raise ConfigError(
                ["NoiseFloor runs the baseline: --branch, --pr and --number are none"]
            )
        return list(found.items())

    def reset_state(self) -> None:
        """Since an earlier build main may have moved."""
        super().reset_state()
        vars(self).pop("asked", None)

    def output(self) -> luigi.LocalTarget:
        """noise_floor/<step>.json."""
        return luigi.LocalTarget(str(floor_path(self.context.lab, self.step)))

    @property
    def one_process_only(self) -> bool:
        """A dry run changes nothing."""
        return not self.dry_run

    def complete(self) -> bool:
        """Measured for this very baseline, these models and plans, as often as asked.

        A dry run is complete once it has printed.
        """
        if self.dry_run:
            return super().complete()
        found = read_floor(self.context.lab, self.step)
        try:
            return found is not None and found.asked == self.floor_request and found.has_answers
        except LabError:  # run() says it
            return False

    @cached_property
    def floor_request(self) -> FloorRequest:
        """What the flags and the configs ask to be measured."""
        ctx = self.context
        target = ctx.target(ctx.step(self.step).target)
        workspace = ctx.workspace(target.name)
        workspace.check()
        models = ctx.choose_models(self.model_names or ctx.defaults.models, self.step)
        return FloorRequest(
            step=self.step,
            commit=workspace.resolve(target.main),
            models=tuple(model.alias for model in models),
            plans=tuple(train_plans(self, ctx.defaults.train_plans)),
            replicates=self.replicates or REPLICATES,
        )

    def run(self) -> Any:
        """A dry run reads, speaks and leaves no trace, not even the lock."""
        if not self.dry_run:
            return super().run()
        with self.context.temporary_work_folder():
            self.print_result(self._would_run())
        return None

    def _would_run(self) -> str:
        """The runs that would be made, all anew, and what they would take."""
        asked, ctx = self.floor_request, self.context
        check_version(ctx, self.step, asked.commit)
        length = characters(self, asked.commit, Split.TRAIN, asked.plans)
        calls = len(asked.plans) * asked.replicates
        rows = [
            estimate(
                ctx.models[alias],
                calls,
                0,
                past=timings(ctx.lab, alias, self.step),
                characters=length,
            )
            for alias in asked.models
        ]
        cost, seconds = sum(one.cost_usd for one in rows), sum(one.seconds for one in rows)
        size = f"{count(len(asked.plans), 'plan')}, {count(asked.replicates, 'run')} of each"
        return "\n".join(
            [
                f"Dry run of the noise floor of step {self.step}. Nothing is run or written.",
                f"  baseline   {asked.commit[:12]}, on {size}",
                "",
                HEAD,
                *map(row, rows),
                "",
                f"  {count(calls * len(rows), 'call')}, ${cost:.2f}, about {time(seconds)}.",
                *([] if all(one.measured for one in rows) else [GUESSED]),
            ]
        )

    def work(self) -> Iterator[Any]:
        """Make every run anew: runs of another day would mix drift into the noise."""
        asked = self.floor_request
        check_version(self.context, self.step, asked.commit)
        digest = sha256(asked.model_dump_json().encode()).hexdigest()[:12]
        sides = {Side.BASELINE: asked.commit}
        order = BatchOrder(digest, Split.TRAIN, sides, asked.models, asked.plans, asked.replicates)
        batch = batch_for(self, order, reuse=False)
        if not self.skip_runner:
            yield missing_runs(self, batch)
        rows = rows_of(self, batch)
        unmade = set(asked.models) - {row.record.model for row in rows}
        if unmade:
            raise StoreError(
                f"No run of {', '.join(sorted(unmade))} has been made, so there is nothing to "
                "measure. Leave --skip-runner out."
            )
        refuse_unmeasurable(self, batch, rows)
        record = floor_of(rows, asked, self.context.models, now=utc_now())
        page = render_noise(record, at_next_alpha(self.context, self.step))
        goal = Path(self.output().path)
        write_text(goal.with_suffix(".md"), page)
        write_record(goal, record)
        say(page)


@prints_when_complete(NoiseFloor)
def _render_again(task: NoiseFloor) -> str:
    """What was measured, with the alpha that the next trial gets now."""
    record = read_floor(task.context.lab, task.step)
    if task.dry_run or record is None:
        return ""
    return render_noise(record, at_next_alpha(task.context, task.step))


def floor_path(lab: Lab, step: str) -> Path:
    """Where the noise floor of a step is written down."""
    return lab.noise_floor / f"{step}.json"


def read_floor(lab: Lab, step: str) -> FloorRecord | None:
    """The noise floor of a step, or None where it was never measured."""
    return read_if_whole(floor_path(lab, step), FloorRecord)
