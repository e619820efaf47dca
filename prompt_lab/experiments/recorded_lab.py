"""RecordedLab: a lab for the example planner on what the models of another tool's lab answered."""

from collections.abc import Iterator
from pathlib import Path

import luigi
import yaml

from adapters.gateway.keyed import write_answers
from pipeline.tasks.base import LabTask, hold_lab
from prompt_lab.config.lab import GatewayConfig, LabConfig
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.example_lab import EXAMPLES, copy_in
from prompt_lab.names import Side, Split
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.foreign_answers import RunAnswers, answers_of
from prompt_lab.store.layout import Lab
from prompt_lab.store.ranges import folders_of, parse_range

PLANNER, STEP = EXAMPLES / "planner", "potential_levers"
RECORDINGS = "recordings"


class RecordedLab(LabTask):
    """The planner on another lab's plans and answers, found by model, plan, side and call.

    They were given to other prompts, so everything that is made from them says what it is.
    """

    answers = luigi.Parameter(description="the other lab, which is only read")
    before = luigi.Parameter(description="its run folders of the baseline: 182-188 or 1/82-1/88")
    after = luigi.Parameter(description="its run folders of the candidate, likewise")

    def output(self) -> luigi.LocalTarget:
        """The lab's own defaults, written last."""
        return luigi.LocalTarget(str(self.context.lab.root / "lab.yaml"))

    def run(self) -> None:
        """Copy target and plans, write a recording for each run, then the defaults."""
        hold_lab(self.context)
        other, root = Lab(Path(self.answers)), self.context.lab.root
        found = list(_answers(other, {Side.BASELINE: self.before, Side.CANDIDATE: self.after}))
        if not found:
            raise StoreError(f"{other.history}: no answer of a model is kept in those run folders.")
        copy_in(PLANNER / "target", root / "target")
        copy_in(PLANNER / "baseline" / "verify", self.context.lab.plans(Split.VERIFY))
        inputs = self.context.adapter(STEP).inputs
        plans = sorted({run.plan for _, run in found})
        for plan in plans:
            _copy_plan(other, self.context.lab, plan, inputs)
        for side, run in found:
            where = (side, run.model, run.plan)
            write_answers(root / RECORDINGS, where, run.answers, source=run.source)
        models = tuple(dict.fromkeys(run.model for _, run in found))
        write_text(Path(self.output().path), _defaults(models, len(plans)))


def _answers(other: Lab, ranges: dict[Side, str]) -> Iterator[tuple[Side, RunAnswers]]:
    for (side, text), flag in zip(ranges.items(), ("--before", "--after"), strict=True):
        for folder in folders_of(other, flag, parse_range(flag, text)):
            for run in answers_of(other, folder):
                yield side, run


def _copy_plan(other: Lab, lab: Lab, plan: str, inputs: tuple[str, ...]) -> None:
    source = other.plans(Split.TRAIN) / plan
    gone = [name for name in inputs if not (source / name).is_file()]
    if gone:
        raise ConfigError([f"{source}: has no {', '.join(gone)}, which the step reads"])
    goal = lab.plans(Split.TRAIN) / plan
    with disk_errors(goal):
        goal.mkdir(parents=True, exist_ok=True)
    for name in inputs:
        copy_in(source / name, goal / name)


def _defaults(models: tuple[str, ...], plans: int) -> str:
    """lab.yaml: the models that answered, in their order, and where their answers lie."""
    gateway = GatewayConfig(mode="replay", recordings=RECORDINGS, by="call")
    config = LabConfig(step=STEP, models=models, train_plans=plans, gateway=gateway)
    kept = {"step", "models", "train_plans", "gateway"}
    return yaml.safe_dump(config.model_dump(mode="json", include=kept), sort_keys=False)
