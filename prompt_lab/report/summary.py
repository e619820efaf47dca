"""What the terminal says at the end of an iteration: one screen of plain text."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from prompt_lab.analyze.model import ErrorKind, ModelStats
from prompt_lab.decide.verdict import Code, Verdict
from prompt_lab.names import Side, count
from prompt_lab.propose.remedy import remedy
from prompt_lab.report.numbers import (
    by_agents,
    calls,
    headline,
    interval,
    is_of_screening,
    judge_note,
    measured_note,
    without_sealed,
)
from prompt_lab.report.page import deciding_reason, label
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import duration, money, points, score

LINES, COLUMNS = 24, 100
MODELS, MODELS_AT_LEAST = 8, 3
"""Lines for models: what the screen has room for, and what there is in any case."""


def render_summary(view: ReportView) -> str:
    """At most LINES lines of at most COLUMNS characters; control characters are taken out.

    The last one, which page to open, is there in any case.
    """
    *lines, last = [_fit(line) for line in _lines(view)]
    return "\n".join([*lines[: LINES - 1], last]) + "\n"


def _lines(view: ReportView) -> Iterator[str]:
    head, tail = list(_head(view)), list(_tail(view))
    yield from head
    if view.metrics is not None and view.metrics.models:
        errors = [*_incomplete_pairs(view), *_errors(view.metrics.errors)]
        room = LINES - len(head) - len(tail) - len(errors) - 1
        yield ""
        yield from _models(view.metrics.models, max(MODELS_AT_LEAST, min(MODELS, room)))
        yield from errors
    yield from tail


def _head(view: ReportView) -> Iterator[str]:
    """The verdict, the failed guards and what was found, what would settle it, and the change."""
    verdict = view.verdict
    outcome = verdict.outcome.value if verdict else "no verdict"
    yield f"Iteration {view.iteration}  {view.step}  {outcome}"
    yield from _wrapped(f"  why       {deciding_reason(view)}")
    for reason in verdict.reasons if verdict is not None else ():
        if reason.code is Code.ONE_SIDED_FILTER:
            yield from _wrapped(f"  filter    {reason.text}")
    fix = remedy(verdict) if verdict is not None else None
    if fix is not None:
        yield from _wrapped(f"  settle    {fix.text}")
    if label(view):
        yield f"  answers   {label(view)}"
    if judge_note(view):
        yield from _wrapped(f"  judge     {judge_note(view)}")
    if verdict is not None and verdict.follow_up_of is not None:
        yield f"  follows   iteration {verdict.follow_up_of}, which was CONDITIONAL"
    yield f"  change    {view.change.title}  ({view.change.strategy})"
    if view.race:
        yield from _wrapped(f"  race      {view.race}")
    if verdict is not None:
        yield from _effect(verdict)
    if view.sealed:
        reveal = f"`prompt-lab reveal --number {view.iteration}`"
        yield f"  sealed    what the verify plans scored; {reveal} shows it and ends their use"


def _tail(view: ReportView) -> Iterator[str]:
    """What it took, and where to look."""
    yield ""
    yield f"  calls     {calls(view)}"
    agents = f", {by_agents(view.spent)}" if view.spent.agents else ""
    took = f"{money(view.spent.cost_usd)}, runs {duration(view.spent.seconds)}"
    yield f"  cost      {took}{without_sealed(view.spent)}{agents}"
    yield f"  PR        {_pull(view)}"
    if view.setup.budget:
        yield from _wrapped(f"  budget    {view.setup.budget}")
    yield f"  report    {view.page}"


def _effect(verdict: Verdict) -> Iterator[str]:
    size = f"{count(verdict.n_plans, 'plan')}, {count(verdict.n_pairs, 'pair')}"
    if verdict.effect is None:
        yield f"  effect    not measured ({size})"
        return
    name = f"{'screening' if is_of_screening(verdict) else 'effect':<9}"
    ends = interval(verdict.interval)
    note = measured_note(verdict)
    words = f"points {note}, interval" if note else "points, interval"
    yield f"  {name} {points(headline(verdict))} {words} {ends}  ({size})"
    if verdict.screening is not None and not is_of_screening(verdict):
        seen = verdict.screening
        size = f"{count(seen.n_plans, 'plan')}, {count(seen.n_pairs, 'pair')}"
        ends = interval(seen.interval)
        yield f"  screening {points(seen.effect)} points, interval {ends}  ({size})"
    if verdict.verify is not None:
        v = verdict.verify
        size = f"{count(v.n_plans, 'plan')}, {count(v.n_pairs, 'pair')}"
        yield f"  verify    {points(v.effect)} points, interval {interval(v.interval)}  ({size})"


def _models(models: tuple[ModelStats, ...], room: int) -> Iterator[str]:
    shown = models if len(models) <= room else models[: room - 1]
    wide = min(48, max(len(stats.model) for stats in shown))
    for stats in shown:
        before, after = (s.primary if s else None for s in (stats.baseline, stats.candidate))
        by = points(after - before) if before is not None and after is not None else "–"
        name = stats.model if len(stats.model) <= wide else stats.model[: wide - 1] + "…"
        yield f"  {name:<{wide}}  {score(before):>4} -> {score(after):>4}  {by:>6}"
    if len(models) > len(shown):
        yield f"  and {len(models) - len(shown)} more models"


def _incomplete_pairs(view: ReportView) -> Iterator[str]:
    """How many pairs lack a run of one side, and what counts them."""
    if view.metrics is None or not view.metrics.lost:
        return
    text = f"{count(view.metrics.lost, 'pair')} without the run of one side"
    if view.verdict is not None and view.verdict.screening is not None:
        text += ": the screening counts each against the candidate"
    text += "; the scores above are over the other pairs, the same on both sides"
    yield from _wrapped(f"  missing   {text}")


def _errors(errors: tuple[ErrorKind, ...]) -> Iterator[str]:
    """How many runs of a side ended in which kind of error; nothing where none did."""
    parts = []
    for side in Side:
        kinds: Counter[str] = Counter()
        for error in errors:
            kinds[error.kind] += error.count if error.side is side else 0
        named = [f"{n} {kind}" for kind, n in kinds.most_common() if n]
        parts += [f"{side}: {', '.join(named)}"] if named else []
    if parts:
        yield from _wrapped(f"  errors    {'; '.join(parts)}")


def _wrapped(line: str) -> list[str]:
    return wrap(line, COLUMNS, subsequent_indent=" " * 12)


def _pull(view: ReportView) -> str:
    if view.pull is not None:
        return f"#{view.pull.number} {view.pull.state.value}  {view.pull.url}"
    if view.change.pull is not None:
        return f"#{view.change.pull}  {view.change.pull_url}"
    return "none"


def _fit(line: str) -> str:
    """One line of the screen: a path or URL too long for it stays whole, all else is cut."""
    flat = "".join(char if char.isprintable() else " " for char in line).rstrip()
    if len(flat) <= COLUMNS or flat.startswith("  report"):
        return flat
    return flat[: COLUMNS - 1] + "…"
