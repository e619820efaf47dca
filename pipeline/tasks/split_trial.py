"""`TrySplit`: whether questions of several parts are answered better by their parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import luigi

from pipeline.tasks.base import hold_lab
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.printing import PrintingTask
from prompt_lab.clock import utc_now
from prompt_lab.promptops.decomposition.labels import CachedLabels
from prompt_lab.promptops.intent_views import write_intents_page
from prompt_lab.promptops.outcomes import read_cases
from prompt_lab.promptops.split_trial import (
    conclude_split,
    find_task_class,
    grow_split_plans,
    prepare_split_trial,
    render_decision,
)


class TrySplit(PrintingTask):
    """The trial of asking by parts, and its decision: on by a YES, else off; prints it."""

    step = luigi.Parameter(description="a step of the adapter split_question")
    cases = luigi.Parameter(
        default="configs/promptops/multi_part_questions.json",
        description="file of questions with what a right answer holds",
    )
    labels = luigi.Parameter(
        default="", description="file of known labels of their parts; '': the lab's cache"
    )
    labeled_by = luigi.Parameter(default="", description="model whose labels in it are taken")
    questions = luigi.IntParameter(default=0, description="the first so many cases; 0: all")
    models = luigi.Parameter(default="", description="aliases with commas; '': the lab's")
    policy = luigi.Parameter(default="", description="the policy that decides; '': the lab's")

    @property
    def one_process_only(self) -> bool:
        """It changes the lab."""
        return True

    def run(self) -> Iterator[Any]:
        """Make plans and trial, then decide. Luigi starts this again after the iteration."""
        hold_lab(self.context)
        context, now = self.context, utc_now()
        task_class = find_task_class(context, self.step)
        known = Path(self.labels or context.lab.root / "promptops" / "intent_labels.jsonl")
        cases = read_cases(Path(self.cases))
        grow_split_plans(
            context,
            task_class,
            cases[: self.questions or len(cases)],
            CachedLabels(known, name=self.labeled_by),
            when=now,
        )
        models = tuple(one for one in self.models.split(",") if one)
        experiment = prepare_split_trial(
            context,
            self.step,
            models=models or context.defaults.models,
            policy=self.policy or context.defaults.policy,
            now=now,
        )
        yield Iteration(
            step=self.step,
            number=experiment.number,
            branch=experiment.branch,
            models=experiment.models,
        )
        decision = conclude_split(experiment, now=utc_now())
        page = write_intents_page(context.lab)
        self.print_result(f"{render_decision(decision)}\nThe page: {page}")
