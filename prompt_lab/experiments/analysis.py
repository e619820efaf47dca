"""Insight, CodeReview, Synthesis and Assessment: analyse the runs before the verdict."""

from collections.abc import Callable, Mapping

from prompt_lab.agents.refusals import redact_for_publication
from prompt_lab.agents.requests import INSIGHT, REVIEW, to_find, to_review
from prompt_lab.agents.views import backed, is_failed
from prompt_lab.analyze.analyst import AnalystMaterial, MetricsAnalyst, render_analysis
from prompt_lab.analyze.assessment import assess
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.insight import parse_findings
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.review import parse_review, review
from prompt_lab.analyze.synthesis import Tried, render_synthesis, synthesise
from prompt_lab.experiments.agent_analyst import view_of
from prompt_lab.experiments.agent_work import analysts_of, redactor_of
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import plans_of, texts, version_at
from prompt_lab.experiments.past import known_modes, read_tried_changes
from prompt_lab.experiments.trials import measured_name, rows_for_display
from prompt_lab.names import Side, Split
from prompt_lab.records import PlanText, PromptVersion
from prompt_lab.store.files import read_parsed
from prompt_lab.store.iterations import read_change, read_meta

Parse = Callable[[str], tuple[AnalystFinding, ...]]


def write_insight(experiment: Experiment, analyst: str, file: str) -> None:
    """Measure the train rows and write the analyst's page."""
    known = known_modes(experiment.context.lab, experiment.step).modes
    rows = rows_for_display(experiment, Split.TRAIN)
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    plans = texts(experiment, plans_of(meta, Split.TRAIN, rows), split=Split.TRAIN)
    runs = AnalystMaterial(
        experiment.step, experiment.number, metrics_of(experiment), rows, plans, known
    )
    code = experiment.context.analyst(analyst)
    title = f"Insight ({analyst}): {experiment.step}, iteration {experiment.number}"
    page = render_analysis(title, (code or MetricsAnalyst()).analyse(runs))
    if code is None:
        paths = [row.path for row in rows]
        values = to_find(experiment.step, page, paths, change_diff(experiment))
        page = view_of(experiment, analyst, INSIGHT, values, rows)
    experiment.write(file, page)


def write_code_review(experiment: Experiment, analyst: str, file: str) -> None:
    """Compare the two versions; verify plans are searched for leaks, never scored."""
    context = experiment.context
    meta = read_meta(context.lab, experiment.number, experiment.step)
    change = read_change(context.lab, experiment.number, experiment.step)
    before, after = versions(experiment)
    train, verify = (
        list(texts(experiment, meta.plans[split], split=split).values())
        for split in (Split.TRAIN, Split.VERIFY)
    )
    diff = context.workspace(meta.target).diff(change.base_commit, change.commit)
    found = review(change, before, after, diff, train=train, verify=verify)
    code = context.analyst(analyst)
    title = f"Code review ({analyst}): {experiment.step}, iteration {experiment.number}"
    page = render_analysis(title, (code or MetricsAnalyst()).review(found))
    if code is None:
        values = to_review(experiment.step, page, change, found.diff)
        page = view_of(experiment, analyst, REVIEW, values, [])
    experiment.write(file, page)


def write_synthesis(experiment: Experiment) -> None:
    """Compare the analysts, rank directions by evidence and earlier attempts.

    Writes synthesis.md.
    """
    lab, analysts = experiment.context.lab, analysts_of(experiment)
    findings = {a: _parse_analyst_page(experiment, "insight", a, parse_findings) for a in analysts}
    reviews = {a: _review_by(experiment, a) for a in analysts}
    past = [*read_tried_changes(lab, experiment.step), _change_under_test(experiment)]
    known = known_modes(lab, experiment.step).modes
    metrics = metrics_of(experiment)
    found = synthesise(
        findings, reviews, metrics, past, tuple(experiment.context.strategies()), known=known
    )
    experiment.write("synthesis.md", render_synthesis(found))


def write_assessment(experiment: Experiment) -> None:
    """Decide on the train runs and write assessment.md with the decision and the metrics."""
    verdict, _ = decide_iteration(experiment)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    experiment.write("assessment.md", assess(metrics_of(experiment), verdict, change))


def _review_by(experiment: Experiment, analyst: str) -> tuple[AnalystFinding, ...] | None:
    """An analyst's review, with the existing evidence."""
    found = _parse_analyst_page(experiment, "code", analyst, parse_review)
    if found is None or experiment.context.analyst(analyst) is not None:
        return found
    sources = [part for one in versions(experiment) for part in (one.text, one.schema_text)]
    rows = [row.path for row in rows_for_display(experiment, Split.TRAIN)]
    return backed(found, rows, "\n".join((change_diff(experiment), *sources)))


def _change_under_test(experiment: Experiment) -> Tried:
    """Its own direction is not proposed again before it has a verdict."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return Tried(
        iteration=experiment.number,
        strategy=change.strategy,
        title=change.direction or change.title,
        outcome=None,
    )


def _parse_analyst_page(
    experiment: Experiment, prefix: str, analyst: str, parse: Parse
) -> tuple[AnalystFinding, ...] | None:
    """The findings of an analyst; None if it failed. Its block may contain \\uXXXX."""
    path = experiment.folder / f"{prefix}_{analyst}.md"
    redactor = redactor_of(experiment)

    def read(text: str) -> tuple[AnalystFinding, ...] | None:
        if is_failed(text):
            return None
        return tuple(
            one.reworded(lambda words: redact_for_publication(words, redactor))
            for one in parse(text)
        )

    return read_parsed(path, read, fix="Remove it to have it made again")


def metrics_of(experiment: Experiment) -> Metrics:
    """Everything measured over the train runs of an iteration."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    rows = rows_for_display(experiment, Split.TRAIN)
    plans: Mapping[str, PlanText] = texts(
        experiment, plans_of(meta, Split.TRAIN, rows), split=Split.TRAIN
    )
    before, after = versions(experiment)
    prompts = {Side.BASELINE: before, Side.CANDIDATE: after}
    return measure(rows, plans, measured_name(experiment), prompts)


def versions(experiment: Experiment) -> tuple[PromptVersion, PromptVersion]:
    """The prompt and schema before and after the change."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return version_at(experiment, change.base_commit), version_at(experiment, change.commit)


def change_diff(experiment: Experiment) -> str:
    """The change under test as a unified diff."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    target = read_meta(experiment.context.lab, experiment.number, experiment.step).target
    return experiment.context.workspace(target).diff(change.base_commit, change.commit)
