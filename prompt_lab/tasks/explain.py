"""The page that `--explain` shows: what a task allows, how it judges, and what was tried."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prompt_lab.names import count
from prompt_lab.tasks.parts import Command
from prompt_lab.tasks.schema import Task

SHOWN_ROWS = 20
_HOW = {
    "exact": "any gain counts; the scorer must give equal scores for equal input",
    "sequential": "the gain must be shown over replicates or cases, in planned looks",
    "fixed": "the gain must be shown over all replicates or cases, in one look",
    "anytime": "the gain must be shown over replicates or cases, at any look",
}


class Facts(NamedTuple):
    """What is known of a task besides its file. Paths start at the repository's root."""

    file: str
    root: str
    artifacts: tuple[str, ...]
    evaluator: tuple[str, ...]
    no_jail: str
    running: str
    last_keep: int


def explain(task: Task, facts: Facts, rows: Sequence[Mapping[str, Any]]) -> str:
    """One page of plain text; `rows` are the task's lines of results.jsonl, oldest first."""
    parts = [
        [f"Task {task.id}: {task.description or 'no description'}", f"  {facts.file}"],
        ["You may change", *_allowed(task, facts)],
        ["You may not change", *_forbidden(facts)],
        ["How a candidate is judged", *_judged(task)],
        ["What commands may take", *_limits(task, facts)],
        [f"Attempts ({len(rows)})", *_attempts(rows, facts)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _allowed(task: Task, facts: Facts) -> Iterator[str]:
    yield from (f"  {path}" for path in facts.artifacts)
    rule = task.mutation
    kinds = ", ".join(kind or "no suffix" for kind in rule.file_types) or "any"
    most = f"{count(rule.max_files, 'file')} and {count(rule.max_lines, 'line')}"
    yield f"  at most {most} at once; types: {kinds}"
    yield f"  deleting a file is {'allowed' if rule.may_delete else 'not allowed'}"


def _forbidden(facts: Facts) -> Iterator[str]:
    yield "  anything else; a change of one of these is 'evaluator_changed':"
    yield from (f"  {path}" for path in facts.evaluator)


def _judged(task: Task) -> Iterator[str]:
    aim, keep = task.objective, task.policy
    for name, command in (
        ("mutator", task.mutator), ("runner", task.runner), ("scorer", task.scorer)
    ):  # fmt: skip
        yield f"  {name}: {_line(command)}"
    yield f"  {aim.direction} {task.scorer.parse.score_field!r}, by at least {aim.minimum_gain:g}"
    yield f"  {keep.mode}: {_HOW[keep.mode]}; replicates: {keep.replicates}"
    for name, bound in task.constraints.items():
        least = "" if bound.min is None else f"{bound.min:g} <= "
        most = "" if bound.max is None else f" <= {bound.max:g}"
        yield f"  {least}{name}{most}"
    if aim.goal is not None:
        yield f"  goal of a campaign: {aim.goal:g}"


def _line(command: Command | None) -> str:
    if command is None:
        return "none"
    return f"{' '.join(command.command)} (in {command.cwd}, {command.timeout_seconds:g} s)"


def _limits(task: Task, facts: Facts) -> Iterator[str]:
    most = task.limits
    yield (
        f"  {most.memory_mb} MB of memory, {most.processes} processes, {most.output_mb} MB of"
        f" prints, {most.file_mb} MB of files; network: {'yes' if task.network else 'no'}"
    )
    yield f"  outputs of the runner: {', '.join(task.outputs)}"
    yield f"  jail: {'no: ' + facts.no_jail if facts.no_jail else 'yes'}"
    budget = task.budget
    money = "" if budget.usd is None else f", {budget.usd:g} US dollars"
    yield f"  a campaign: {count(budget.iterations, 'attempt')}, {budget.seconds:g} seconds{money}"


def _attempts(rows: Sequence[Mapping[str, Any]], facts: Facts) -> Iterator[str]:
    if facts.running:
        yield f"  at work now, or ended by force: {facts.running}"
    if not rows:
        yield "  none yet"
    for row in rows[-SHOWN_ROWS:]:
        if row.get("kind") == "undo":
            yield f"  attempt {row.get('undone')} was taken back"
            continue
        score = row.get("candidate_score")
        shown = "-" if score is None else f"{score:g}"
        yield (
            f"  {row.get('attempt'):>4}  {row.get('status'):<8}{shown:<10}{row.get('reason')}: "
            + (str(row.get("detail")).splitlines() or [""])[0][:120]
        )
    if facts.last_keep:
        yield f"  --undo would take attempt {facts.last_keep} back"
