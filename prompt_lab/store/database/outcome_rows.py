"""The outcome log in the database."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import sqlalchemy as sa

from prompt_lab.outcomes import CallOutcome, OutcomeSummary, fill_outcome, is_empty
from prompt_lab.ports.trace_store import Added
from prompt_lab.store.database.rows import DatabaseRows
from prompt_lab.store.database.tables import OUTCOMES
from prompt_lab.traces import Window

PAGE = 1000
"""Rows of one transaction or fetch; each page starts after the last row of the one before."""
_COLUMNS = OUTCOMES.c
_FIELDS = {name: "called_at" if name == "when" else name for name in CallOutcome.model_fields}
"""Field -> column."""
_GROUP = tuple(
    sa.func.coalesce(_COLUMNS[name], "").label(name)
    for name in ("prompt_id", "task_class", "variant", "arm")
)


class OutcomeRows(DatabaseRows):
    """ports.OutcomeStore on SQLite or PostgreSQL."""

    def add(self, rows: Iterable[CallOutcome]) -> Added:
        """Write rows, a page in one transaction."""
        new = seen = 0
        given = iter(rows)
        while page := list(islice(given, PAGE)):
            outcomes: dict[str, CallOutcome] = {}
            for row in page:
                before = outcomes.get(row.trace)
                outcomes[row.trace] = fill_outcome(before, row) if before else row
            new, seen = new + self._add_page(outcomes), seen + len(page)
        return Added(new, seen - new)

    def _add_page(self, outcomes: Mapping[str, CallOutcome]) -> int:
        known = sa.select(_COLUMNS.trace).where(_COLUMNS.trace.in_(outcomes))
        insert = self._insert(OUTCOMES)
        fill = {
            column.name: sa.func.coalesce(column, insert.excluded[column.name])
            for column in _COLUMNS
            if column.name not in ("trace", "called_at", "version")
        }
        insert = insert.on_conflict_do_update(index_elements=["trace"], set_=fill)
        with self._errors(), self._engine.begin() as connection:
            there = set(connection.execute(known).scalars())
            connection.execute(insert, [_row(one) for one in outcomes.values()])
        return len(outcomes.keys() - there)

    def find(self, trace: str) -> CallOutcome | None:
        """One outcome."""
        query = sa.select(OUTCOMES).where(_COLUMNS.trace == trace)
        with self._errors(), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _outcome(row) if row else None

    def since(self, when: str, *, prompt_id: str = "") -> Iterator[CallOutcome]:
        """Every outcome from a time on, by (when, trace)."""
        key = sa.tuple_(_COLUMNS.called_at, _COLUMNS.trace)
        after: tuple[str, str] | None = None
        while True:
            query = sa.select(OUTCOMES)
            if when:
                query = query.where(_COLUMNS.called_at >= when)
            if prompt_id:
                query = query.where(_COLUMNS.prompt_id == prompt_id)
            if after is not None:
                last = sa.tuple_(*(sa.bindparam(None, value, column.type) for value, column in
                                   zip(after, key.clauses, strict=True)))  # fmt: skip
                query = query.where(key > last)
            query = query.order_by(_COLUMNS.called_at, _COLUMNS.trace).limit(PAGE)
            with self._errors(), self._engine.connect() as connection:
                rows = connection.execute(query).mappings().all()
            for row in rows:
                yield _outcome(row)
            if len(rows) < PAGE:
                return
            after = rows[-1]["called_at"], rows[-1]["trace"]

    def summary(self, window: Window) -> list[OutcomeSummary]:
        """Counts, means and percentiles by prompt id, task class, variant and arm."""
        with self._errors(), self._engine.connect() as connection:
            counts = connection.execute(_count(window)).all()
            ranks = connection.execute(_rank_latency(window)).all()
        latency = {tuple(row[:4]): row[4:] for row in ranks}
        found = []
        for row in counts:
            p50, p95 = latency.get(tuple(row[:4]), (None, None))
            figures = (*row[:14], p50, p95, *row[14:])
            found.append(OutcomeSummary(*figures))
        return sorted(found, key=lambda one: one[:4])

    def erase(self, *, unit: str = "", before: str = "") -> tuple[str, ...]:
        """Delete what one unit asked, or what is older."""
        if not unit and not before:
            raise ValueError("erase: name a unit or a time")
        gone = sa.delete(OUTCOMES)
        gone = gone.where(_COLUMNS.unit == unit) if unit else gone
        gone = gone.where(_COLUMNS.called_at < before) if before else gone
        with self._errors(), self._engine.begin() as connection:
            return tuple(sorted(connection.execute(gone.returning(_COLUMNS.trace)).scalars()))


def _within(window: Window) -> tuple[sa.ColumnElement[bool], ...]:
    return _COLUMNS.called_at >= window.start, _COLUMNS.called_at < window.end


def _total(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _count(window: Window) -> sa.Select[Any]:
    success, feedback = _COLUMNS.success, _COLUMNS.feedback
    up, down = feedback == "up", feedback == "down"
    unknown = success.is_(None)
    columns = (
        sa.func.count().label("calls"),
        _total(sa.or_(success.is_(True), sa.and_(unknown, up))),
        _total(sa.or_(success.is_(False), sa.and_(unknown, down))),
        _total(up),
        _total(down),
        _total(sa.or_(sa.and_(success.is_(True), down), sa.and_(success.is_(False), up))),
        _total(_COLUMNS.error.is_not(None)),
        sa.func.avg(_COLUMNS.score),
        sa.func.avg(_COLUMNS.grounding),
        sa.func.avg(_COLUMNS.confidence),
        sa.func.coalesce(sa.func.sum(_COLUMNS.cost_usd), 0.0),
        sa.func.count(_COLUMNS.cost_usd),
        sa.func.min(_COLUMNS.called_at, type_=_COLUMNS.called_at.type),
        sa.func.max(_COLUMNS.called_at, type_=_COLUMNS.called_at.type),
    )
    names = [column.name for column in _GROUP]
    return sa.select(*_GROUP, *columns).where(*_within(window)).group_by(*names)


def _rank_latency(window: Window) -> sa.Select[Any]:
    """Nearest-rank percentiles: the value at rank ceil(q n) of each group."""
    groups = [sa.func.coalesce(_COLUMNS[column.name], "") for column in _GROUP]
    latency = _COLUMNS.latency_ms
    rank = sa.func.row_number().over(partition_by=groups, order_by=(latency, _COLUMNS.trace))
    size = sa.func.count().over(partition_by=groups)
    ranked = (
        sa.select(*_GROUP, latency, rank.label("place"), size.label("size"))
        .where(*_within(window), latency.is_not(None))
        .subquery()
    )
    place, size_ = ranked.c.place, ranked.c.size
    middle = sa.func.max(sa.case((place == (size_ + 1) // 2, ranked.c.latency_ms)))
    high = sa.func.max(sa.case((place == (95 * size_ + 99) // 100, ranked.c.latency_ms)))
    names = [ranked.c[column.name] for column in _GROUP]
    return sa.select(*names, middle, high).group_by(*names)


def _row(outcome: CallOutcome) -> dict[str, Any]:
    """A column is null where the field says nothing, so that a later row can fill it in."""
    return {
        column: None if is_empty(value := getattr(outcome, name)) else value
        for name, column in _FIELDS.items()
    }


def _outcome(row: Mapping[Any, Any]) -> CallOutcome:
    values = {name: row[column] for name, column in _FIELDS.items()}
    return CallOutcome.model_validate({name: v for name, v in values.items() if v is not None})
