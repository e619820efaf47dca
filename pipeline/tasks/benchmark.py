"""Benchmark, and what follows from it: thin tasks over prompt_lab/benchmark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.parameters import MOST_REPLICATES, CountParameter, NamesParameter
from pipeline.tasks.runs import run_tasks
from prompt_lab.benchmark.folders import RESULTS, benchmarks_folder
from prompt_lab.benchmark.run_suite import BenchmarkRequest
from prompt_lab.benchmark.supervise import prepare_benchmark, supervise_benchmark
from prompt_lab.errors import LabError
from prompt_lab.store.layout import NO_ITERATION


class Benchmark(LabTask):
    """A suite on some models, several times. Writes benchmarks/<n>_<suite>/results.json."""

    suite = luigi.Parameter(description="a file of configs/suites")
    model = NamesParameter(default="", description="aliases; default: the suite's")
    phase = luigi.Parameter(default="", description="the suite's phase, to be checked")
    repeats = CountParameter(
        "--repeats",
        least=1,
        most=MOST_REPLICATES,
        default=0,
        description="how often each plan is asked; default: the suite's",
    )
    enable_warmup = luigi.BoolParameter(description="warm each model up before the suite")
    force_model = luigi.BoolParameter(description="run a model that routing keeps away")
    label = luigi.Parameter(default="", visibility=luigi.parameter.ParameterVisibility.HIDDEN)
    result_file: str = ""

    @property
    def request(self) -> BenchmarkRequest:
        """The request as the use cases take it."""
        return BenchmarkRequest(
            suite=self.suite,
            models=tuple(filter(None, self.model.split(","))),
            repeats=self.repeats,
            enable_warmup=self.enable_warmup,
            force_model=self.force_model,
            phase=self.phase,
            label=self.label,
        )

    def reset_state(self) -> None:
        """Each command is a benchmark of its own, unless the last one was not finished."""
        super().reset_state()
        self.result_file = ""

    def output(self) -> luigi.LocalTarget:
        """results.json of the benchmark that this build made."""
        nothing = benchmarks_folder(self.context.lab) / f".none_{self.suite}"
        return File(self.result_file or str(nothing))

    def run(self) -> Iterator[Any]:
        """Hold the lab, ask for the runs that are missing, and write what they show."""
        hold_lab(self.context)
        number, begun = prepare_benchmark(self.context, self.request)
        for need in supervise_benchmark(self.context, self.request, number, begun):
            step = need.step
            yield run_tasks(self.context, NO_ITERATION, step, need.runs)
        folder = benchmarks_folder(self.context.lab) / f"{number}_{self.suite}"
        self.result_file = str(Path(folder) / RESULTS)


@Benchmark.event_handler(luigi.Event.DEPENDENCY_DISCOVERED)
def _hold_before_forking(task: Benchmark, _: luigi.Task) -> None:
    try:
        hold_lab(task.context)
    except LabError:
        return
