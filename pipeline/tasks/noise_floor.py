"""NoiseFloor: run the baseline again and again, and say what that lets a trial see."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import Phase
from pipeline.tasks.iteration import supply
from pipeline.tasks.parameters import WholeParameter
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from prompt_lab.errors import ConfigError
from prompt_lab.lazy import call_on_use
from prompt_lab.store.layout import NO_ITERATION

if TYPE_CHECKING:
    from prompt_lab.experiments.noise_floor import (
        describe_floor_dry_run,
        floor_path,
        is_measured,
        measure_noise_floor,
        saved_floor_page,
    )

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.noise_floor": (
            "describe_floor_dry_run floor_path is_measured measure_noise_floor saved_floor_page"
        ),
    },
)


class NoiseFloor(PrintingTask, Phase):
    """The baseline against itself. Writes noise_floor/<step>.json, and a page beside it."""

    ITERATES = False

    number = WholeParameter(
        "--number", default=NO_ITERATION, visibility=luigi.parameter.ParameterVisibility.HIDDEN
    )

    dry_run = luigi.BoolParameter(description="only print what would run and what it would cost")

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

    def output(self) -> luigi.LocalTarget:
        """noise_floor/<step>.json."""
        return luigi.LocalTarget(str(floor_path(self.context.lab, self.step)))

    def complete(self) -> bool:
        """Measured as asked. A dry run is complete once it has printed."""
        return super().complete() if self.dry_run else is_measured(self.experiment)

    @property
    def one_process_only(self) -> bool:
        """A dry run changes nothing."""
        return not self.dry_run

    def run(self) -> Any:
        """A dry run reads, prints and leaves no trace, not even the lock."""
        if not self.dry_run:
            return super().run()
        self.print_result(describe_floor_dry_run(self.experiment))
        return None

    def work(self) -> Iterator[Any]:
        """Run the baseline several times."""
        return supply(self, measure_noise_floor(self.experiment))


@prints_when_complete(NoiseFloor)
def _render_again(task: NoiseFloor) -> str:
    return "" if task.dry_run else saved_floor_page(task.experiment)
