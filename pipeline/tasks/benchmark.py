"""Benchmark, and what follows from it: thin tasks over prompt_lab/benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.parameters import MOST_REPLICATES, CountParameter, NamesParameter
from pipeline.tasks.runs import run_tasks
from prompt_lab.benchmark.folders import RESULTS
from prompt_lab.benchmark.records import STARTS
from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError
from prompt_lab.lazy import call_on_use
from prompt_lab.report.terminal import say
from prompt_lab.store.layout import NO_ITERATION

if TYPE_CHECKING:
    from prompt_lab.benchmark.cold_starts import WarmUpValidation, render_validation
    from prompt_lab.benchmark.folders import benchmarks_folder
    from prompt_lab.benchmark.harness_lock import keep_harness, release_harness
    from prompt_lab.benchmark.meta_loop import parse_baseline, run_meta_loop
    from prompt_lab.benchmark.open_benchmark import BenchmarkRequest
    from prompt_lab.benchmark.supervise import prepare_benchmark, supervise_benchmark
    from prompt_lab.benchmark.warm_up_trial import WarmUpTrial, adopt_warm_up

call_on_use(
    globals(),
    {
        "prompt_lab.benchmark.cold_starts": "render_validation",
        "prompt_lab.benchmark.folders": "benchmarks_folder",
        "prompt_lab.benchmark.harness_lock": "keep_harness release_harness",
        "prompt_lab.benchmark.meta_loop": "parse_baseline run_meta_loop",
        "prompt_lab.benchmark.open_benchmark": "BenchmarkRequest",
        "prompt_lab.benchmark.supervise": "prepare_benchmark supervise_benchmark",
        "prompt_lab.benchmark.warm_up_trial": "WarmUpTrial adopt_warm_up",
    },
)


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


class MetaLoop(LabTask):
    """Cycles that improve a baseline. Writes benchmarks/cycles/ with a report page."""

    baseline = luigi.Parameter(description="'MODEL SUITE PHASE'")
    cycles = CountParameter("--cycles", least=1, default=1, description="how many; default: 1")
    candidates = CountParameter(
        "--candidates", least=1, default=4, description="candidates of one cycle; default: 4"
    )
    repeats = CountParameter(
        "--repeats", least=1, most=MOST_REPLICATES, default=0, description="default: the suite's"
    )
    has_finished: bool = False

    def reset_state(self) -> None:
        """Each command makes cycles of its own, after those that were cut off."""
        super().reset_state()
        self.has_finished = False

    def complete(self) -> bool:
        """Whether this build has made its cycles."""
        return self.has_finished

    def run(self) -> Iterator[Any]:
        """Hold the lab and the harness, and run the cycles."""
        hold_lab(self.context)
        context, found = self.context, parse_baseline(self.context, self.baseline)
        # luigi drops this generator at each yield and starts it again: the lock outlives it.
        keep_harness(context.lab, f"MetaLoop of {self.baseline}", now=utc_now())
        for need in run_meta_loop(
            context, found, self.cycles, most_candidates=self.candidates, repeats=self.repeats
        ):
            yield run_tasks(context, NO_ITERATION, need.step, need.runs)
        release_harness(context.lab)
        self.has_finished = True

    def on_failure(self, exception: BaseException) -> Any:
        """Let go of the harness: what comes next in this process may be another command."""
        release_harness(self.context.lab)
        return super().on_failure(exception)


@MetaLoop.event_handler(luigi.Event.DEPENDENCY_DISCOVERED)
def _keep_before_forking(task: MetaLoop, _: luigi.Task) -> None:
    try:
        hold_lab(task.context)
        keep_harness(task.context.lab, f"MetaLoop of {task.baseline}", now=utc_now())
    except LabError:
        return


class WarmUpTest(LabTask):
    """A warm-up on cold starts. Writes WARM_UP_VALIDATION_RESULTS.json; adopts it on a YES."""

    suite = luigi.Parameter(description="a file of configs/suites")
    model = luigi.Parameter(description="an alias of the embedded model")
    starts = CountParameter(
        "--starts", least=1, most=1000, default=STARTS, description="cold starts; default: 8"
    )
    plans = CountParameter(
        "--plans", least=1, default=0, description="the first plans of the suite; default: all"
    )
    seed = CountParameter("--seed", least=0, default=1, description="of the plans' order")
    found: WarmUpValidation | None = None

    def reset_state(self) -> None:
        """Each command is a test of its own."""
        super().reset_state()
        self.found = None

    def complete(self) -> bool:
        """Whether this build has made the test."""
        return self.found is not None

    def run(self) -> None:
        """Hold the lab, make the cold starts, print and decide."""
        hold_lab(self.context)
        trial = WarmUpTrial(self.context, self.suite, self.model, self.plans)
        self.found = trial.run(self.starts, seed=self.seed)
        say(render_validation(self.found))
        if adopt_warm_up(self.context, self.found):
            say(f"The warm-up is now the default of {self.found.model}.")
