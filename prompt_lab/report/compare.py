"""Two ranges of run folders side by side: the two documents of Compare, and its one screen."""

from collections.abc import Iterator

from pydantic import Field

from prompt_lab.analyze.assessment import assess
from prompt_lab.analyze.changes import changes
from prompt_lab.analyze.insight import render_insight
from prompt_lab.analyze.markdown import plain_line, section
from prompt_lab.analyze.model import Metrics, SideStats
from prompt_lab.decide.verdict import Verdict, explain
from prompt_lab.names import count
from prompt_lab.records import Change, Record
from prompt_lab.report.numbers import interval
from prompt_lab.report.summary import COLUMNS
from prompt_lab.report.view import OddFolder
from prompt_lab.report.words import points

SHOWN = 4
"""The most lines of each kind on the screen."""


class Comparison(Record):
    """What was compared."""

    before: str = Field(description="a range of run folders, as 182-188")
    after: str
    step: str
    score: str = Field(description="the name of the score that is compared")
    ours: bool = Field(description="every run recorded its score; if not, the score is 'ended'")
    textless: tuple[str, ...] = Field(
        default=(), description="models whose texts were kept on one side only: left out"
    )
    irregular: tuple[OddFolder, ...] = ()

    @property
    def title(self) -> str:
        """In words."""
        return f"history {self.before} against {self.after}"


def render_compared_insight(metrics: Metrics, compared: Comparison) -> str:
    """insight_metrics.md."""
    page = render_insight(metrics, iteration=0, step=compared.step)
    head = f"# Insight (metrics): {plain_line(compared.step)}, {compared.title}"
    return "\n".join([head, *page.split("\n")[1:]])


def render_compared_assessment(metrics: Metrics, verdict: Verdict, compared: Comparison) -> str:
    """assessment.md, which begins with the name of the score and its limits."""
    change = Change(
        branch="",
        commit="",
        base_commit="",
        strategy="given",
        source="",
        title=compared.title,
        description="",
    )
    head, _, rest = assess(metrics, verdict, change).partition("\n\n")
    return "\n\n".join([head, _about(compared), rest.rstrip(), _irregular(compared)]) + "\n"


def render_compared_summary(metrics: Metrics, verdict: Verdict, compared: Comparison) -> str:
    """One screen: the verdict, both sides, what changed most."""
    return "\n".join(_fit(line) for line in _lines(metrics, verdict, compared))


def _about(compared: Comparison) -> str:
    score = (
        f"The score is {plain_line(repr(compared.score))}, as each run recorded it."
        if compared.ours
        else f"The score is '{compared.score}': 1 for a run that ended without an error, else 0. "
        "The quality of the answers was not recorded, so the verdict is about errors only. The "
        "findings below describe the texts."
    )
    names = ", ".join(plain_line(model) for model in compared.textless)
    left = f" Texts kept on one side only are left out: those of {names}." if names else ""
    return (
        f"{score}{left} Nothing was run for this page, and it was not checked at which commits "
        "these runs were made."
    )


def _irregular(compared: Comparison) -> str:
    lines = [
        f"- {plain_line(one.path, 200)}: {plain_line('; '.join(one.faults), 600)}"
        for one in compared.irregular
    ]
    return section("Irregular run folders", "\n".join(lines) or "None.")


def _lines(metrics: Metrics, verdict: Verdict, compared: Comparison) -> Iterator[str]:
    yield f"Compare {compared.before} -> {compared.after}  {compared.step}  {verdict.outcome.value}"
    yield f"  why       {explain(verdict).text}"
    size = f"{count(verdict.n_plans, 'plan')}, {count(verdict.n_pairs, 'pair')}"
    yield (
        f"  {compared.score[:8]:<8}  {points(verdict.effect)} points, "
        f"interval {interval(verdict.interval)}  ({size})"
    )
    one, two = metrics.totals.baseline, metrics.totals.candidate
    yield f"  runs ok   {_ok(one)} -> {_ok(two)}"
    found = changes(metrics)
    for says, word in (("better", "better"), ("worse", "worse")):
        for line in [change.text for change in found if change.says == says][:SHOWN]:
            yield f"  {word:<8}  {line}"
    odd = compared.irregular
    if odd:
        yield f"  irregular {count(len(odd), 'run folder')}, listed in the assessment"


def _ok(side: SideStats | None) -> str:
    return "no runs" if side is None else f"{side.ok} of {side.n}"


def _fit(line: str) -> str:
    flat = "".join(char if char.isprintable() else " " for char in line).rstrip()
    return flat if len(flat) <= COLUMNS else flat[: COLUMNS - 1] + "…"
