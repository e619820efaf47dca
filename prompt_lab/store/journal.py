"""journal.jsonl: what happened in the lab, one line each, only ever appended to."""

from typing import Any, NamedTuple

from prompt_lab.records import VERSION, Record, Usage
from prompt_lab.store.files import append_row, read_rows
from prompt_lab.store.layout import Lab


def note(lab: Lab, event: str, *, now: str, **facts: Any) -> None:
    """Append one event. Call it only where a repeat after a crash does no harm."""
    append_row(lab.journal, {"timestamp": now, "event": event, **facts})


def events(lab: Lab, *kinds: str) -> list[dict[str, Any]]:
    """All events of these kinds that say when they were, oldest first."""
    rows = read_rows(lab.journal)
    return [row for row in rows if row.get("event") in kinds and "timestamp" in row]


class JudgeAnswer(Record):
    """One answer of a judge, and what was asked: a cell's two answers in one of their orders."""

    version: int = VERSION
    timestamp: str
    key: str
    """sha256 of the judge's settings and the whole request: equal keys are never asked twice."""
    iteration: int
    step: str
    batch: str
    judge: str
    answered_by: str
    model: str
    plan: str
    replicate: int
    candidate_first: bool
    answer: str
    error: str = ""
    """Why the judge refused this request permanently; the answer is then ''."""
    usage: Usage


class JudgeUsage(NamedTuple):
    """What a judge took: calls and US dollars."""

    calls: int
    cost_usd: float


def keep_answer(lab: Lab, answer: JudgeAnswer) -> None:
    """Append an answer, at once when it has come."""
    append_row(lab.judgements, answer.model_dump(mode="json"))


def answers_by_key(lab: Lab) -> dict[str, str]:
    """Key of the request -> the text of the first answer to it."""
    found: dict[str, str] = {}
    for row in read_rows(lab.judgements):
        key, answer = row.get("key"), row.get("answer")
        if isinstance(key, str) and isinstance(answer, str):
            found.setdefault(key, answer)
    return found


def asked_for(lab: Lab, iteration: int, batch: str) -> JudgeUsage:
    """What the judge took for one batch of an iteration."""
    rows = [
        Usage.model_validate(row.get("usage", {}))
        for row in read_rows(lab.judgements)
        if (row.get("iteration"), row.get("batch")) == (iteration, batch)
    ]
    return JudgeUsage(sum(u.calls for u in rows), sum(u.cost_usd for u in rows))
