"""NoiseFloor: run the baseline again and again, and say what that lets a trial see."""

from collections.abc import Iterator, Sequence
from typing import Any

import luigi

from pipeline.tasks.base import Phase
from pipeline.tasks.iteration import supply
from pipeline.tasks.parameters import WholeParameter
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.noise_floor import (
    describe_floor_dry_run,
    floor_path,
    is_measured,
    measure_noise_floor,
)
from prompt_lab.report.terminal import say
from prompt_lab.store.layout import NO_ITERATION


class NoiseFloor(Phase):
    """The baseline against itself. Writes noise_floor/<step>.json, and a page beside it."""

    ITERATES = False

    number = WholeParameter(
        "--number", default=NO_ITERATION, visibility=luigi.parameter.ParameterVisibility.HIDDEN
    )

    dry_run = luigi.BoolParameter(description="say what would run and what it would cost; no more")
    _printed = False

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
        """Measured as asked. A dry run is done once it has printed."""
        return self._printed if self.dry_run else is_measured(self.experiment)

    def run(self) -> Any:
        """A dry run reads, prints and leaves no trace, not even the lock."""
        if not self.dry_run:
            return super().run()
        say(describe_floor_dry_run(self.experiment))
        self._printed = True
        return None

    def work(self) -> Iterator[Any]:
        """Run the baseline several times."""
        return supply(self, measure_noise_floor(self.experiment))
