"""The page that `--explain` shows: what a task allows, how it judges, and what was tried."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prompt_lab.names import count
from prompt_lab.task_engine.parts import Command
from prompt_lab.task_engine.paths import under
from prompt_lab.task_engine.schema import Task

SHOWN_ROWS = 20
SHOWN_DETAIL = 120
_LOOKS = {"sequential": "in planned looks", "fixed": "in one look", "anytime": "at any look"}

Rows = Sequence[Mapping[str, Any]]


class Facts(NamedTuple):
    """What is known of a task besides its file. Paths start at the repository's root."""

    file: str
    root: str
    artifacts: tuple[str, ...]
    evaluator: tuple[str, ...]
    no_sandbox: str
    running: str
    """What an engine at work, or one that was ended by force, said last; '' where there is none."""
    last_keep: int


def explain(task: Task, facts: Facts, rows: Rows) -> str:
    """One page of plain text; `rows` are the task's lines of results.jsonl, oldest first."""
    tried = sum(row.get("kind") != "undo" for row in rows)
    parts = [
        [f"Task {task.id}" + (f": {task.description}" if task.description else ""), facts.file],
        ["You may change", *_explain_scope(task, facts)],
        ["You may not change", *_forbidden(facts)],
        ["How a candidate is made and scored", *_commands(task)],
        ["When it is kept", *_explain_scoring(task, rows)],
        ["What each command may take", *_limits(task, facts)],
        ["A campaign ends", *_campaign(task)],
        ["What to run", *_usage(task, facts)],
        [f"Attempts: {tried}", *_attempts(task, rows, facts)],
    ]
    return "\n\n".join("\n  ".join(part) for part in parts) + "\n"


def _explain_scope(task: Task, facts: Facts) -> Iterator[str]:
    yield from (path + (" and all below it" if path.endswith("/") else "")
                for path in facts.artifacts)  # fmt: skip
    rule = task.mutation
    kinds = " or ".join(kind or "no suffix" for kind in rule.file_types)
    yield (
        f"at most {count(rule.max_files, 'file')} and {count(rule.max_lines, 'line')} of one"
        f" candidate, lines added and removed counted together; {kinds or 'any'} files"
        f"; {'files may be deleted' if rule.may_delete else 'no file may be deleted'}"
    )


def _forbidden(facts: Facts) -> Iterator[str]:
    yield "anything else (out_of_scope), least of all what decides the score (evaluator_changed):"
    artifacts = [path.rstrip("/") for path in facts.artifacts]
    yield from (path for path in facts.evaluator if not under(artifacts, path))


def _commands(task: Task) -> Iterator[str]:
    yield f"mutator: {_line(task.mutator, 'none: hand candidates in')}"
    yield f"runner: {_line(task.runner, 'none: the scorer reads the artifacts themselves')}"
    yield f"scorer: {_line(task.scorer, '')}"


def _line(command: Command | None, none: str) -> str:
    if command is None:
        return none
    place = "" if command.cwd == "." else f"in {command.cwd}, "
    return f"{' '.join(command.command)} ({place}at most {command.timeout_seconds:g} s)"


def _explain_scoring(task: Task, rows: Rows) -> Iterator[str]:
    aim, parse = task.objective, task.scorer.parse
    way = "higher" if aim.direction == "maximize" else "lower"
    least = f", by at least {aim.minimum_gain:g}" if aim.minimum_gain else ""
    yield f"its {parse.score_field!r} is {way} than the baseline's{least}"
    yield _explain_confidence(task)
    for name, bound in task.constraints.items():
        words = [f"at least {bound.min:g}"] if bound.min is not None else []
        words += [f"at most {bound.max:g}"] if bound.max is not None else []
        yield f"and its metric {name!r} is {' and '.join(words)}"
    for row in reversed(rows):
        if row.get("kind") == "undo":
            break  # what the workspace scores now was scored longer ago than is worth telling
        if (score := _score(row)) is not None:
            yield f"the score to beat, as attempt {row.get('attempt')} left it: {score:g}"
            break


def _explain_confidence(task: Task) -> str:
    """How sure the gain must be."""
    keep, cases = task.policy, task.scorer.parse.cases_field
    if keep.mode == "exact":
        return "the scorer is believed, and must give equal scores for equal input (policy: exact)"
    over = f"the cases in {cases!r}" if cases else count(keep.replicates, "replicate")
    return (
        f"beyond chance: shown over {over}, {_LOOKS[keep.mode]}, at alpha {keep.alpha:g}"
        f" (policy: {keep.mode})"
    )


def _score(row: Mapping[str, Any]) -> float | None:
    """What the workspace scores after an attempt, as far as its row shows."""
    kept = row.get("status") == "keep"
    found: float | None = row.get("candidate_score" if kept else "baseline_score")
    return found


def _limits(task: Task, facts: Facts) -> Iterator[str]:
    most = task.limits
    yield (
        f"{most.memory_mb} MB of memory, {most.processes} processes, {most.output_mb} MB of"
        f" prints, {most.file_mb} MB of files; {'the' if task.network else 'no'} network"
    )
    yield f"the runner may write in: {', '.join(task.outputs)}"
    why = facts.no_sandbox
    yield f"NO SANDBOX holds it: {why}" if why else "it runs in a sandbox"


def _campaign(task: Task) -> Iterator[str]:
    budget, goal = task.budget, task.objective.goal
    words = [f"after {count(budget.iterations, 'attempt')}", f"after {budget.seconds:g} seconds"]
    words += [] if goal is None else [f"once the score is {goal:g}"]
    words += [] if budget.usd is None else [f"once {budget.usd:g} US dollars are spent"]
    yield ", or ".join(words)


def _usage(task: Task, facts: Facts) -> Iterator[str]:
    command = f"prompt-lab-task {facts.file}"
    if task.mutator is not None:
        yield f"{command}    (one attempt of the task's mutator)"
    yield f"{command} --candidate FOLDER    (changed files, laid out in it as in {facts.root})"
    if facts.last_keep:
        yield f"{command} --undo    (takes attempt {facts.last_keep} back)"


def _attempts(task: Task, rows: Rows, facts: Facts) -> Iterator[str]:
    if facts.running:
        yield facts.running
    if rows:
        yield f"whole in work/results.jsonl, diffs and logs in work/tasks/{task.id}/attempts"
    if len(rows) > SHOWN_ROWS:
        yield f"the last {SHOWN_ROWS}:"
    for row in rows[-SHOWN_ROWS:]:
        if row.get("kind") == "undo":
            yield f"      attempt {row.get('undone')} was taken back"
            continue
        detail = (str(row.get("detail")).splitlines() or [""])[0]
        yield (
            f"{row.get('attempt'):>4}  {row.get('status'):<8}"
            f"{_shortly(row.get('candidate_score')):<10}{row.get('reason')}: "
            + detail[:SHOWN_DETAIL]
        )


def _shortly(score: float | None) -> str:
    return "-" if score is None else f"{score:g}"
