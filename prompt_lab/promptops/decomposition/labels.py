"""Labels of a query's parts by a model, kept in a cache: the same query, the same labels.

Labels are untrusted: a part must be a span of the query, and a reference be bound by a span of an
earlier part or by its answer. Whatever does not fit makes the query one that is not split.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from pydantic import ValidationError

from prompt_lab.evaluate.answers import parse_answer
from prompt_lab.promptops.decomposition.records import (
    ANSWER,
    FAMILIES,
    IntentEdge,
    IntentNode,
    QueryLabels,
    Reference,
)
from prompt_lab.records import Record, RunError
from prompt_lab.store.files import append_row, disk_errors, read_rows

LABEL_VERSION: Final = 1
"""Of the request to the labeller. A new one asks again."""
REQUEST: Final = """Cut the query below into parts that can be answered one by one.
Answer with one JSON object {{"clauses": [{{"text": ..., "kind": ..., "context": ..., \
"refers": [{{"text": ..., "clause": ..., "to": ...}}]}}]}}.
"text" and "context" are copied from the query, letter by letter; "context" is what the part needs \
of the query before it, or "". "kind" is one of {kinds}. "refers" lists every pronoun or other \
expression of the part that stands for something in an earlier part: "clause" is the number of \
that part, from 0; "to" is copied from it, or "answer" if its answer is meant, or "" if you \
are not sure.

The query:
{query}"""


class IntentLabeler(Protocol):
    """A model that labels the parts of a query."""

    name: str
    """Of the model: labels of another one are asked for again."""

    def label(self, request: str) -> str:
        """Its answer to REQUEST. Raises LabError where it cannot be reached."""


class _LabelRow(Record):
    """A line of promptops/intent_labels.jsonl."""

    key: str
    query: str
    model: str
    labels: QueryLabels


class BoundLabels(NamedTuple):
    """Nodes and edges of labelled parts, or the code of what is wrong with the labels."""

    nodes: tuple[IntentNode, ...] = ()
    edges: tuple[IntentEdge, ...] = ()
    fault: str = ""


class CachedLabels:
    """Labels of queries, asked of a labeller once. Without a labeller, only what is known."""

    def __init__(self, path: Path, labeler: IntentLabeler | None = None, *, name: str = "") -> None:
        self._path = path
        self._labeler = labeler
        self._name = labeler.name if labeler else name
        self._known: dict[str, QueryLabels] = {}
        for row in read_rows(path):
            try:
                one = _LabelRow.model_validate(row)
            except ValidationError:
                continue
            self._known.setdefault(one.key, one.labels)

    def find(self, query: str) -> QueryLabels:
        """The labels of a query; no clauses where nothing is known.

        Raises LabError where the labeller cannot be reached, StoreError where the disk refuses.
        """
        key = _make_key(query, self._name)
        if key not in self._known and self._labeler is not None:
            labels = parse_labels(self._labeler.label(render_request(query)))
            row = _LabelRow(key=key, query=query, model=self._name, labels=labels)
            with disk_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            append_row(self._path, row.model_dump(mode="json"))
            self._known[key] = labels
        return self._known.get(key, QueryLabels())


def render_request(query: str) -> str:
    """What the labeller is asked."""
    return REQUEST.format(kinds=", ".join(FAMILIES), query=query)


def parse_labels(answer: str) -> QueryLabels:
    """The labels in a model's answer; none where it holds none that can be read."""
    value = parse_answer(answer, None, extract=True)
    if isinstance(value, RunError):
        return QueryLabels()
    try:
        return QueryLabels.model_validate(value)
    except ValidationError:
        return QueryLabels()


def bind_labels(query: str, labels: QueryLabels) -> BoundLabels:
    """The nodes and edges of labelled parts.

    Fault codes: 'one_part', 'foreign_label' (a text that is not in the query), 'unbound_reference'.
    """
    clauses = labels.clauses
    if len(clauses) < 2:
        return BoundLabels(fault="one_part")
    if not all(one.text.strip() and one.text in query and one.context in query for one in clauses):
        return BoundLabels(fault="foreign_label")
    texts = [_join(one.context, one.text) for one in clauses]
    nodes, edges = [], []
    for at, clause in enumerate(clauses):
        binds = {}
        for reference in clause.refers:
            if not _is_bound(reference, texts, at):
                return BoundLabels(fault="unbound_reference")
            edge = IntentEdge(
                source=f"n{reference.clause + 1}",
                target=f"n{at + 1}",
                variable=reference.text,
                binding=reference.to,
            )
            edges.append(edge)
            if not edge.takes_answer:
                binds[reference.text] = reference.to
        family = FAMILIES[clause.kind]
        nodes.append(
            IntentNode(
                id=f"n{at + 1}",
                kind=clause.kind,
                text=texts[at],
                prompt_family=family,
                binds=binds,
            )
        )
    return BoundLabels(tuple(nodes), tuple(edges))


def _join(context: str, text: str) -> str:
    return f"{context.strip()} {text.strip()}" if context.strip() else text.strip()


def _is_bound(reference: Reference, texts: Sequence[str], at: int) -> bool:
    """Whether the expression is part of its clause, and what it stands for in an earlier one."""
    if not reference.text or reference.text not in texts[at]:
        return False
    if not 0 <= reference.clause < at or not reference.to:
        return False
    return reference.to == ANSWER or reference.to in texts[reference.clause]


def _make_key(query: str, model: str) -> str:
    return sha256(json.dumps([LABEL_VERSION, model, query]).encode("utf-8")).hexdigest()
