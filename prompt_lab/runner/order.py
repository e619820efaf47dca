"""What the flags of the runner ask for, checked before anything is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prompt_lab.errors import StoreError, UsageError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.routed_models import admit_models, log_routes
from prompt_lab.experiments.sources import check_plan
from prompt_lab.names import Split
from prompt_lab.store.layout import Lab
from prompt_lab.store.plans import plans_in, read_plan


@dataclass(frozen=True)
class Flags:
    """The command line as it was typed."""

    models: Sequence[str]
    baseline_dir: Path | None = None
    plan_dir: Path | None = None
    prompt_lab_dir: Path | None = None
    output_dir: Path | None = None
    step: str = ""
    commit: str = ""
    plan_timeout: float | None = None
    workers: int | None = None
    force_model: bool = False


@dataclass(frozen=True)
class RunnerOrder:
    """One step on some plans, by models of which the first is primary. Seconds are of one plan."""

    ctx: LabContext
    step: str
    models: tuple[str, ...]
    plans: Path
    names: tuple[str, ...]
    skipped: tuple[str, ...]
    split: Split
    seconds: float
    workers: int
    phase: str = ""
    """What routing goes by, call by call, where there are fallbacks."""


def read_order(flags: Flags, context: LabContext) -> RunnerOrder:
    """Raises the LabError of what is missing, is not there, or cannot be used."""
    _check_pairs(flags)
    ctx = _context_of(flags, context)
    step = flags.step or ctx.defaults.step
    config, adapter = ctx.step(step), ctx.adapter(step)
    models = admit_models(ctx, flags.models, step, flag="--model", force=flags.force_model)
    log_routes(ctx, flags.models, step, force=flags.force_model)
    routed = ctx.router is not None and len(models) > 1 and not flags.force_model
    plans, names, skipped = _plans(flags, adapter.inputs)
    for name in names:
        check_plan(adapter, plans / name)
        read_plan(plans / name, adapter.inputs, adapter.outputs)
    workers = flags.workers or min(model.workers for model in models)
    for model in models:
        ctx.models[model.alias] = model.model_copy(update={"workers": workers})
    return RunnerOrder(
        ctx=ctx,
        step=step,
        models=tuple(model.alias for model in models),
        plans=plans,
        names=names,
        skipped=skipped,
        split=_split(plans),
        seconds=flags.plan_timeout or config.limits.seconds,
        workers=workers,
        phase=ctx.router.phase_of(step) if ctx.router and routed else "",
    )


def _check_pairs(flags: Flags) -> None:
    missing = []
    if flags.baseline_dir is None and flags.plan_dir is None:
        missing.append("--baseline-dir (a folder of plans) or --plan-dir (one plan)")
    if flags.prompt_lab_dir is None and flags.output_dir is None:
        missing.append("--prompt-lab-dir (its next run folder) or --output-dir (where to write)")
    if not flags.models:
        missing.append("--model")
    if missing:
        raise UsageError(f"give {', and '.join(missing)}")


def _context_of(flags: Flags, usual: LabContext) -> LabContext:
    """On the lab that the flags name; its models are a copy of our own, since workers differ."""
    if flags.prompt_lab_dir is not None and not flags.prompt_lab_dir.is_dir():
        raise StoreError(f"--prompt-lab-dir {flags.prompt_lab_dir}: there is no such folder.")
    lab = usual.lab if flags.prompt_lab_dir is None else Lab(flags.prompt_lab_dir)
    return LabContext(
        lab,
        usual.configs,
        usual.load_adapter,
        usual.adapter_names,
        usual.pages_url,
        shipped=usual.shipped,
        project=usual.project,
        make_router=usual.make_router,
    )


def _plans(flags: Flags, inputs: Sequence[str]) -> tuple[Path, tuple[str, ...], tuple[str, ...]]:
    """(their folder, names of those to run, names of those that lack an input)."""
    if flags.plan_dir is not None:
        plan = flags.plan_dir.resolve()
        missing = [name for name in inputs if not (plan / name).is_file()]
        if missing:
            raise StoreError(
                f"--plan-dir {flags.plan_dir}: holds no {', '.join(map(repr, missing))}."
            )
        return plan.parent, (plan.name,), ()
    folder = flags.baseline_dir or Path()
    names, usable = plans_in(folder, inputs)
    if not usable:
        wanted = ", ".join(map(repr, inputs))
        what = f"none of its {len(names)} folders holds {wanted}" if names else "holds no folder"
        raise StoreError(f"--baseline-dir {folder}: {what if folder.is_dir() else 'is no folder'}.")
    return folder.resolve(), tuple(usable), tuple(n for n in names if n not in usable)


def _split(plans: Path) -> Split:
    return Split.VERIFY if plans.name == Split.VERIFY else Split.TRAIN
