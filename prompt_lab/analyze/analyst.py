"""Analysts that are code: one class each, found by name. Its page is parsed back into findings."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prompt_lab.analyze.failure_modes import FailureMode
from prompt_lab.analyze.findings import AnalystFinding, render_findings
from prompt_lab.analyze.insight import render_insight
from prompt_lab.analyze.markdown import page, plain_line, section
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.review import Review, render_review
from prompt_lab.records import PlanText, RunRow


@dataclass(frozen=True)
class AnalystMaterial:
    """The input of an analyst: the train runs of one iteration, and their metrics."""

    step: str
    iteration: int
    metrics: Metrics
    rows: Sequence[RunRow]
    plans: Mapping[str, PlanText]
    known: Sequence[FailureMode] = ()
    """Failure modes of the step before this iteration."""


class Analyst(ABC):
    """A deterministic analyst: equal runs give an equal page. Its class takes no arguments."""

    @abstractmethod
    def analyse(self, runs: AnalystMaterial) -> str | Sequence[AnalystFinding]:
        """Findings, or a whole Markdown page that ends with `render_findings`."""

    def review(self, found: Review) -> str | Sequence[AnalystFinding]:  # noqa: ARG002 -- overridden
        """Findings about the change itself, made without any score; none by default."""
        return ()


class MetricsAnalyst(Analyst):
    """The analyst `metrics`: all tables and findings that can be computed without a model."""

    def analyse(self, runs: AnalystMaterial) -> str:
        """Every table, and the findings that follow from it."""
        return render_insight(
            runs.metrics, iteration=runs.iteration, step=runs.step, known=runs.known
        )

    def review(self, found: Review) -> str:
        """The objections to the change."""
        return render_review(found)


def render_analysis(title: str, analysis: str | Sequence[AnalystFinding]) -> str:
    """The page of an analyst: as it wrote it, or made from its findings."""
    if isinstance(analysis, str):
        return analysis
    points = "\n".join(f"- {plain_line(one.text, 400)}" for one in analysis) or "- Nothing found."
    return page(
        f"# {plain_line(title)}",
        section("Points", points),
        section("Findings", render_findings(tuple(analysis))),
    )
