"""What a benchmark is asked to do, and its beginning: the suite, its digest, open.json."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from prompt_lab.benchmark.folders import (
    OPEN,
    RESULTS,
    benchmarks_folder,
    claim_benchmark,
)
from prompt_lab.benchmark.records import (
    BlockedModel,
    Purpose,
)
from prompt_lab.clock import utc_now
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.experiments.batches import adapter_digest, settings_text
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Split
from prompt_lab.records import VERSION, Record
from prompt_lab.store.counters import numbered
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.plan_files import digest_files, hash_plan
from prompt_lab.store.plans import has_gold


@dataclass(frozen=True)
class BenchmarkRequest:
    """What a person asks for. '' and 0 mean 'as the suite says'."""

    suite: str
    models: tuple[str, ...] = ()
    repeats: int = 0
    enable_warmup: bool = False
    force_model: bool = False
    phase: str = ""
    purpose: Purpose = "benchmark"
    label: str = ""
    """Distinguishes benchmarks of equal options: those of the cycles of a loop."""
    plans: tuple[str, ...] = ()
    """A part of the suite's plans; () for all."""
    warm_models: tuple[str, ...] = ()
    """Models to warm up though the config does not say so: candidates of a cycle."""

    @property
    def digest(self) -> str:
        """Names the request, so that the same command goes on with what it began."""
        return sha256(repr(self).encode()).hexdigest()[:12]


class OpenBenchmark(Record):
    """open.json: what a benchmark was begun with, before its first call."""

    version: int = VERSION
    request: str
    id: str
    started: str
    commit: str
    models: tuple[str, ...]
    replaced: dict[str, str] = {}
    """model that runs -> model that was asked for."""
    blocked: tuple[BlockedModel, ...] = ()
    repeats: int
    suite_sha256: str = ""
    """As it was before the first call; '' in files of older versions."""

    @property
    def batch(self) -> str:
        """The name of the batch of its runs."""
        return f"benchmark_{self.id}"


def read_suite(ctx: LabContext, name: str) -> SuiteConfig:
    """configs/suites/<name>.yaml. Raises UnknownName or ConfigError."""
    return ctx.files.entry("suites", SuiteConfig, "suite", name)


def requested_suite(ctx: LabContext, request: BenchmarkRequest) -> SuiteConfig:
    """The suite, or the part of its plans that the request names."""
    suite = read_suite(ctx, request.suite)
    return suite.model_copy(update={"plans": request.plans}) if request.plans else suite


def find_plans_without_gold(ctx: LabContext, suite: SuiteConfig) -> list[str]:
    """Plans of the suite that hold no right answer. Raises UnknownName for one that is not there.

    A step in a process of its own scores by its own rules and may need none.
    """
    adapter, folder = ctx.adapter(suite.step), ctx.lab.plans(Split.TRAIN)
    known = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for plan in suite.plans:
        if plan not in known:
            raise UnknownName("plan", plan, known, str(folder))
    if adapter.in_own_process:
        return []
    return [plan for plan in suite.plans if not has_gold(folder / plan, adapter.outputs)]


def check_plans(ctx: LabContext, suite: SuiteConfig) -> None:
    """Refuse, before any call, a suite that nothing can be measured with.

    Raises UnknownName for a plan that is not there, ConfigError where no plan has a right answer.
    A suite that lacks some is run, and INVALID.
    """
    if len(find_plans_without_gold(ctx, suite)) < len(suite.plans):
        return
    outputs = " or ".join(ctx.adapter(suite.step).outputs) or "the right answer"
    raise ConfigError(
        [
            f"{ctx.files.place('suites', suite.name)}: plans: none of them has a right answer, so"
            f" no score is possible: put {outputs} into {ctx.lab.plans(Split.TRAIN)}/<plan>/"
        ]
    )


def digest_suite(ctx: LabContext, suite: SuiteConfig) -> str:
    """sha256 of all that decides a score besides the model: plans, gold, step, scorer, rule."""
    folder, step = ctx.lab.plans(Split.TRAIN), ctx.step(suite.step)
    plans = {name: digest_files(hash_plan(folder / name)) for name in sorted(suite.plans)}
    adapter = adapter_digest(ctx.adapter(suite.step), settings_text(step))
    rule = (suite.phase, suite.step, suite.scorer, suite.pass_score)
    return sha256(repr((rule, plans, adapter)).encode()).hexdigest()


def find_open(ctx: LabContext, request: BenchmarkRequest) -> tuple[int, Path] | None:
    """The unfinished benchmark that this request began, or None.

    One whose suite has changed since stays unfinished: its answers are to other questions.
    """
    root = benchmarks_folder(ctx.lab)
    for number, name in reversed(numbered(root)):
        folder = root / f"{number}_{name}"
        begun = read_if_whole(folder / OPEN, OpenBenchmark)
        if begun and begun.request == request.digest and not (folder / RESULTS).exists():
            same = begun.suite_sha256 in ("", digest_suite(ctx, requested_suite(ctx, request)))
            return (number, folder) if same else None
    return None


def find_finished(ctx: LabContext, request: BenchmarkRequest) -> int | None:
    """The finished benchmark of a labelled request, or None. Without a label each is a new one."""
    root = benchmarks_folder(ctx.lab)
    for number, name in reversed(numbered(root) if request.label else []):
        folder = root / f"{number}_{name}"
        begun = read_if_whole(folder / OPEN, OpenBenchmark)
        if begun and begun.request == request.digest and (folder / RESULTS).exists():
            return number
    return None


def begin_benchmark(
    ctx: LabContext,
    request: BenchmarkRequest,
    models: Sequence[str],
    replaced: Mapping[str, str],
    blocked: Sequence[BlockedModel],
) -> tuple[int, OpenBenchmark]:
    """Claim a number and write down what is asked, or find what this request has begun."""
    suite = requested_suite(ctx, request)
    found = find_open(ctx, request)
    if found is not None:
        begun = read_if_whole(found[1] / OPEN, OpenBenchmark)
        assert begun is not None
        return found[0], begun
    target = ctx.target(ctx.step(suite.step).target)
    workspace = ctx.workspace(target.name)
    workspace.check()
    repeats = request.repeats or suite.repeats
    calls = repeats * len(models) * len(suite.plans)
    if calls > suite.limits.calls:
        raise ConfigError(
            [
                f"suite {suite.name}: {calls} runs are more than limits.calls"
                f" {suite.limits.calls}: ask fewer models or repeats, or raise it"
            ]
        )
    number, folder = claim_benchmark(ctx.lab, suite.name)
    begun = OpenBenchmark(
        request=request.digest,
        id=f"{number}-{secrets.token_hex(4)}",
        started=utc_now(),
        commit=workspace.resolve(target.main),
        models=tuple(models),
        replaced=dict(replaced),
        blocked=tuple(blocked),
        repeats=repeats,
        suite_sha256=digest_suite(ctx, suite) if models else "",
    )
    write_record(folder / OPEN, begun)
    return number, begun


def check_phase(suite: SuiteConfig, phase: str) -> None:
    """Raises ConfigError where a command names another phase than the suite's."""
    if phase and phase != suite.phase:
        raise ConfigError([f"suite {suite.name!r} is of phase {suite.phase!r}, not {phase!r}"])
