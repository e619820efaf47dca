"""RecordedLab: make a lab for the example planner with recorded answers of another lab."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from prompt_lab.config.lab import GatewayConfig, LabConfig
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.example_lab import copy_in
from prompt_lab.names import Side, Split
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.answers import RunAnswers, answers_of
from prompt_lab.store.ranges import folders_of, parse_range

STEP = "potential_levers"
RECORDINGS = "recordings"


def make_recorded_lab(
    context: LabContext, planner: Path, answers: Path, *, before: str, after: str
) -> None:
    """Copy target and plans, write a recording for each run, then the lab's defaults.

    `answers` is the other lab, which is only read; `before` and `after` are ranges of its run
    folders. The answers were given to other prompts, so everything made from them is labelled.
    """
    other, lab = Lab(answers), context.lab
    found = list(_answers(other, {Side.BASELINE: before, Side.CANDIDATE: after}))
    if not found:
        raise StoreError(f"{other.history}: no answer of a model is kept in those run folders.")
    copy_in(context, planner / "target", lab.root / "target")
    copy_in(context, planner / "baseline" / "verify", lab.plans(Split.VERIFY))
    inputs = context.adapter(STEP).inputs
    plans = sorted({run.plan for _, run in found})
    for plan in plans:
        _copy_plan(context, other, plan, inputs)
    write_answers = context.load_adapter("recordings", "keyed")
    for side, run in found:
        where = (side, run.model, run.plan)
        write_answers(lab.root / RECORDINGS, where, run.answers, source=run.source)
    models = tuple(dict.fromkeys(run.model for _, run in found))
    write_text(lab.root / "lab.yaml", _defaults(models, len(plans)))


def _answers(other: Lab, ranges: dict[Side, str]) -> Iterator[tuple[Side, RunAnswers]]:
    for (side, text), flag in zip(ranges.items(), ("--before", "--after"), strict=True):
        for folder in folders_of(other, flag, parse_range(flag, text)):
            for run in answers_of(other, folder):
                yield side, run


def _copy_plan(context: LabContext, other: Lab, plan: str, inputs: tuple[str, ...]) -> None:
    source = other.plans(Split.TRAIN) / plan
    gone = [name for name in inputs if not (source / name).is_file()]
    if gone:
        raise ConfigError([f"{source}: has no {', '.join(gone)}, which the step reads"])
    goal = context.lab.plans(Split.TRAIN) / plan
    with disk_errors(goal):
        goal.mkdir(parents=True, exist_ok=True)
    for name in inputs:
        copy_in(context, source / name, goal / name)


def _defaults(models: tuple[str, ...], plans: int) -> str:
    """Write lab.yaml: the models that answered, in order, and the paths of their answers."""
    gateway = GatewayConfig(mode="replay", recordings=RECORDINGS, by="call")
    config = LabConfig(step=STEP, models=models, train_plans=plans, gateway=gateway)
    kept = {"step", "models", "train_plans", "gateway"}
    return yaml.safe_dump(config.model_dump(mode="json", include=kept), sort_keys=False)
