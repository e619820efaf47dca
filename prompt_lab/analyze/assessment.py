"""assessment.md: before and after on one screen, with the verdict on top."""

from prompt_lab.analyze.changes import Changed, changes
from prompt_lab.analyze.findings import Says
from prompt_lab.analyze.markdown import label, page, plain_line, section
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.tables import by_model, summary
from prompt_lab.decide.verdict import Verdict
from prompt_lab.names import count
from prompt_lab.records import Change

LINES = 6
_BEFORE_VERIFY = (
    "This page was written after the train plans had run and before the verify plans were read. "
    "The verify "
    "results and the decision are in verdict.json and in the report."
)


def assess(metrics: Metrics, verdict: Verdict, change: Change) -> str:
    """The page: verdict and reasons, the table, what got better, what got worse, what stayed."""
    found = changes(metrics)
    return page(
        f"# Assessment: {plain_line(change.title, 200)}",
        label(metrics.recorded),
        f"**{_decision(verdict)}** — {_effect(verdict)}",
        _BEFORE_VERIFY if verdict.needs_verify else "",
        "\n".join(
            f"- {plain_line(reason.text, 300)} ({reason.code})" for reason in verdict.reasons
        ),
        section("Before and after", summary(metrics), by_model(metrics)),
        section("What got better", _lines(found, "better")),
        section("What got worse", _lines(found, "worse")),
        section("What stayed", _lines(found, "same")),
    )


def _decision(verdict: Verdict) -> str:
    """The outcome; while the verify plans have not run, CONDITIONAL would only mean that."""
    return "Goes on to the verify plans" if verdict.needs_verify else str(verdict.outcome)


def _effect(verdict: Verdict) -> str:
    size = f"{count(verdict.n_pairs, 'pair')} on {count(verdict.n_plans, 'plan')}."
    if verdict.effect is None:
        return f"no effect could be measured; {size}"
    between = verdict.interval
    spread = f", interval {between.low:+.3f} to {between.high:+.3f}" if between else ""
    return f"effect {verdict.effect:+.3f}{spread}; {size}"


def _lines(found: tuple[Changed, ...], says: Says) -> str:
    lines = [one for one in found if one.says == says]
    shown = "\n".join(f"- {plain_line(one.text, 900)}" for one in lines[:LINES])
    left = len(lines) - LINES
    return f"{shown}\n- … and {left} more." if left > 0 else shown or "- Nothing."
