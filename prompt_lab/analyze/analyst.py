"""Analysts that are code: one class each, found by name; its page is read back as findings."""

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
    """What an analyst is given: the train runs of one iteration, and what was measured of them."""

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
        """The same of the change itself, before any score. By default nothing is objected to."""
        return ()


class MetricsAnalyst(Analyst):
    """The analyst `metrics`: what a careful engineer would want to read."""

    def analyse(self, runs: AnalystMaterial) -> str:
        """Every table, and the statements that follow from it."""
        return render_insight(
            runs.metrics, iteration=runs.iteration, step=runs.step, known=runs.known
        )

    def review(self, found: Review) -> str:
        """What a reviewer would object to."""
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
