"""Render the verdict as a Markdown comment for the pull request."""

import re
from collections.abc import Iterator

from prompt_lab.agents.publication import escape_line
from prompt_lab.analyze.model import ModelStats
from prompt_lab.decide.verdict import Verdict, failed_guards, reasons_in_order
from prompt_lab.names import count
from prompt_lab.propose.remedy import remedy
from prompt_lab.report.numbers import (
    by_agents,
    calls,
    headline,
    interval,
    is_of_screening,
    judge_note,
    measured_note,
    sealed_note,
    without_sealed,
)
from prompt_lab.report.page import deciding_reason, label
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import MARKS, duration, href, money, points, score

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def verdict_comment(view: ReportView) -> str:
    """Verdict, effect, the models' table, reasons, cost, and where the report is."""
    return "\n".join(_lines(view)).rstrip() + "\n"


def escape(text: str) -> str:
    r"""Text as text: no markup, no HTML, no line break, no mention, no reference, no address.

    >>> print(escape("**a** <b> | c"))
    \*\*a\*\* \<b\> \| c
    """
    # A backslash alone does not keep a code host from linking #1.
    return _SPECIAL.sub(r"\\\1", escape_line(text))


def _lines(view: ReportView) -> Iterator[str]:
    verdict = view.verdict
    if verdict is None:
        yield f"## No verdict\n\n{deciding_reason(view)}"
        return
    yield f"## {MARKS[verdict.outcome]} {verdict.outcome.value}\n"
    yield f"{escape(deciding_reason(view))}\n"
    if label(view):
        yield f"**{label(view)}**\n"
    yield from _answered(verdict)
    yield from _effect(verdict)
    if judge_note(view):
        yield f"{escape(judge_note(view))}.\n"
    if view.race:
        yield f"Race: {escape(view.race)}\n"
    if view.sealed:
        yield f"{escape(sealed_note(view))}\n"
    if view.metrics is not None and view.metrics.models:
        yield from _table(view)
    yield from _reasons(verdict)
    spent = view.spent
    agents = f" ({by_agents(spent)})" if spent.agents else ""
    yield (
        f"\nCalls: {calls(view)}. {money(spent.cost_usd)}{agents}, runs {duration(spent.seconds)}"
        f"{without_sealed(spent)}."
        f" Iteration {view.iteration} of `{_code(view.step)}`; policy `{_code(view.setup.policy)}`."
    )
    if view.setup.budget:
        yield escape(view.setup.budget)
    yield f"\n{_report(view.page)}"


def _answered(verdict: Verdict) -> Iterator[str]:
    """The verdict that this one answers, and what would settle this one."""
    if verdict.follow_up_of is not None:
        yield f"A follow-up of iteration {verdict.follow_up_of}, which was CONDITIONAL.\n"
    fix = remedy(verdict)
    if fix is not None:
        yield f"What would settle it: {escape(fix.text)}\n"


def _effect(verdict: Verdict) -> Iterator[str]:
    if verdict.effect is None:
        return
    size = f"{count(verdict.n_plans, 'plan')}, {count(verdict.n_pairs, 'pair')}"
    how = f"{size}; {escape(verdict.method)}"
    what = "Screening: " if is_of_screening(verdict) else ""
    ends = interval(verdict.interval)
    note = f" {measured_note(verdict)}" if measured_note(verdict) else ""
    yield f"{what}**{points(headline(verdict))} points**{note}, interval {ends} ({how})."
    if verdict.verify is not None:
        v = verdict.verify
        yield (
            f"Verify: **{points(v.effect)} points**, interval {interval(v.interval)}"
            f" ({count(v.n_plans, 'plan')})."
        )
    yield ""


def _table(view: ReportView) -> Iterator[str]:
    metrics = view.metrics
    if metrics is None:
        return
    yield "| model | before | after | points | valid before | valid after |"
    yield "|---|--:|--:|--:|--:|--:|"
    for stats in (*metrics.models, metrics.totals):
        yield _row(stats)
    yield ""


def _row(stats: ModelStats) -> str:
    one, two = stats.baseline, stats.candidate
    name = f"`{_code(stats.model)}`" if stats.model else "**all models**"
    by = points(two.primary - one.primary if one and two else None)
    scores = [score(side.primary if side else None) for side in (one, two)]
    valid = [score(side.valid if side else None) for side in (one, two)]
    return f"| {name} | {scores[0]} | {scores[1]} | {by} | {valid[0]} | {valid[1]} |"


def _reasons(verdict: Verdict) -> Iterator[str]:
    """Failed guards, then the other reasons, then guards that are neither held nor failed."""
    failed = failed_guards(verdict)
    of_guards = [guard.reason for guard in failed]
    for guard in failed:
        code = f"`{guard.reason.code.value}` " if guard.reason else ""
        yield f"- {code}{escape(guard.name)}: failed. {escape(guard.text)}"
    for reason in reasons_in_order(verdict):
        if reason not in of_guards:
            yield f"- `{reason.code.value}` {escape(reason.text)}"
    for guard in verdict.guards:
        if guard.state == "not shown":
            yield f"- {escape(guard.name)}: {guard.state}. {escape(guard.text)}"


def _report(page: str) -> str:
    if href(page) and page.startswith(("http://", "https://")):
        return f"[Report](<{page}>)"
    return f"Report: `{_code(page)}`"


def _code(text: str) -> str:
    return escape_line(text).replace("`", "'").replace("|", "/")
