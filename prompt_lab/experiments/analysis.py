"""Insight, CodeReview, Synthesis, Assessment: what the runs say, before anyone decides."""

from collections.abc import Callable, Mapping

import luigi

from pipeline.tasks.base import Phase
from prompt_lab.agents.refusals import redact_for_publication
from prompt_lab.agents.requests import INSIGHT, REVIEW, to_find, to_review
from prompt_lab.agents.views import backed, is_failed
from prompt_lab.analyze.assessment import assess
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.insight import parse_findings, render_insight
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.review import parse_review, render_review, review
from prompt_lab.analyze.synthesis import Tried, render_synthesis, synthesise
from prompt_lab.experiments.agent_analyst import view_of
from prompt_lab.experiments.agent_work import analysts_of, redactor_of
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.flags import METRICS
from prompt_lab.experiments.gather import plans_of, texts, version_at
from prompt_lab.experiments.past import known_modes, read_tried_changes
from prompt_lab.experiments.runs import Runs
from prompt_lab.experiments.trials import rows_for_display
from prompt_lab.names import Side, Split
from prompt_lab.propose.choose import strategies
from prompt_lab.records import PlanText, PromptVersion
from prompt_lab.store.files import read_parsed
from prompt_lab.store.iterations import read_change, read_meta

Parse = Callable[[str], tuple[AnalystFinding, ...]]


class ByAnalyst(Phase):
    """A phase that each analyst carries out on its own."""

    analyst = luigi.Parameter(
        default=METRICS, description="who looks: metrics, a file of configs/agents, or a model"
    )
    PREFIX = ""

    @property
    def FILE(self) -> str:  # type: ignore[override]
        """One file for each analyst."""
        return f"{self.PREFIX}_{self.analyst}.md"

    def requires(self) -> luigi.Task:
        """All runs on train."""
        return self.clone_as(Runs)


class Insight(ByAnalyst):
    """What changed between the sides, in numbers and run paths. Writes insight_<analyst>.md."""

    PREFIX = "insight"

    def work(self) -> None:
        """Measure the rows and write what a careful engineer would want to read."""
        known = known_modes(self.context.lab, self.step).modes
        metrics = metrics_of(self)
        page = render_insight(metrics, iteration=self.number, step=self.step, known=known)
        if self.analyst != METRICS:
            rows = rows_for_display(self, Split.TRAIN)
            values = to_find(self.step, page, [row.path for row in rows], change_diff(self))
            page = view_of(self, self.analyst, INSIGHT, values, rows)
        self.write(page)


class CodeReview(ByAnalyst):
    """What the change is, read without the runs. Writes code_<analyst>.md."""

    PREFIX = "code"

    def work(self) -> None:
        """Compare the two versions; verify plans are looked at for leaks, never scored."""
        meta = read_meta(self.context.lab, self.number, self.step)
        change = read_change(self.context.lab, self.number, self.step)
        before, after = versions(self)
        found = review(
            change,
            before,
            after,
            self.context.workspace(meta.target).diff(change.base_commit, change.commit),
            train=list(texts(self, meta.plans[Split.TRAIN], split=Split.TRAIN).values()),
            verify=list(texts(self, meta.plans[Split.VERIFY], split=Split.VERIFY).values()),
        )
        page = render_review(found)
        if self.analyst != METRICS:
            values = to_review(self.step, page, change, found.diff)
            page = view_of(self, self.analyst, REVIEW, values, [])
        self.write(page)


class Synthesis(Phase):
    """The analysts reconciled, and the five best directions from here. Writes synthesis.md."""

    FILE = "synthesis.md"

    def requires(self) -> list[luigi.Task]:
        """Every analyst's insight and review."""
        asked = analysts_of(self)
        return [self.clone_as(kind, analyst=a) for a in asked for kind in (Insight, CodeReview)]

    def work(self) -> None:
        """Read what the analysts wrote; rank directions by evidence and by what was tried."""
        findings = {
            a: self._parse_analyst_page("insight", a, parse_findings) for a in analysts_of(self)
        }
        reviews = {a: self._reviewed(a) for a in analysts_of(self)}
        past = [*read_tried_changes(self.context.lab, self.step), self._this_one()]
        known = known_modes(self.context.lab, self.step).modes
        found = synthesise(
            findings, reviews, metrics_of(self), past, tuple(strategies()), known=known
        )
        self.write(render_synthesis(found))

    def _reviewed(self, analyst: str) -> tuple[AnalystFinding, ...] | None:
        """An analyst's review with the evidence that is there."""
        found = self._parse_analyst_page("code", analyst, parse_review)
        if found is None or analyst == METRICS:
            return found
        texts_of = [part for one in versions(self) for part in (one.text, one.schema_text)]
        rows = [row.path for row in rows_for_display(self, Split.TRAIN)]
        return backed(found, rows, "\n".join((change_diff(self), *texts_of)))

    def _this_one(self) -> Tried:
        """The change under test: its own direction is not proposed before its verdict is in."""
        change = read_change(self.context.lab, self.number, self.step)
        return Tried(
            iteration=self.number,
            strategy=change.strategy,
            title=change.direction or change.title,
            outcome=None,
        )

    def _parse_analyst_page(
        self, prefix: str, analyst: str, parse: Parse
    ) -> tuple[AnalystFinding, ...] | None:
        """What an analyst said; None where it failed. A block may spell a sign as \\uXXXX."""
        path = self.folder / f"{prefix}_{analyst}.md"
        redactor = redactor_of(self)

        def read(text: str) -> tuple[AnalystFinding, ...] | None:
            if is_failed(text):
                return None
            return tuple(
                one.reworded(lambda words: redact_for_publication(words, redactor))
                for one in parse(text)
            )

        return read_parsed(path, read, fix="Remove it to have it made again")


class Assessment(Phase):
    """Before and after in one table, with what the train runs say. Writes assessment.md."""

    FILE = "assessment.md"

    def requires(self) -> luigi.Task:
        """The synthesis."""
        return self.clone_as(Synthesis)

    def work(self) -> None:
        """Judge the train runs and put them beside the numbers."""
        verdict, _ = decide_iteration(self)
        change = read_change(self.context.lab, self.number, self.step)
        self.write(assess(metrics_of(self), verdict, change))


def metrics_of(experiment: Experiment) -> Metrics:
    """Everything measured over the train runs of an iteration."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    rows = rows_for_display(experiment, Split.TRAIN)
    plans: Mapping[str, PlanText] = texts(
        experiment, plans_of(meta, Split.TRAIN, rows), split=Split.TRAIN
    )
    before, after = versions(experiment)
    prompts = {Side.BASELINE: before, Side.CANDIDATE: after}
    return measure(rows, plans, experiment.context.step(experiment.step).primary, prompts)


def versions(experiment: Experiment) -> tuple[PromptVersion, PromptVersion]:
    """The prompt and schema before and after the change."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return version_at(experiment, change.base_commit), version_at(experiment, change.commit)


def change_diff(experiment: Experiment) -> str:
    """The change under test as a unified diff."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    target = read_meta(experiment.context.lab, experiment.number, experiment.step).target
    return experiment.context.workspace(target).diff(change.base_commit, change.commit)
