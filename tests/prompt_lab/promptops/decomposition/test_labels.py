"""Labels by a model: asked once, untrusted, and every reference bound or the query kept whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.promptops.decomposition.graph import build_intent_graph
from prompt_lab.promptops.decomposition.labels import CachedLabels, parse_labels
from prompt_lab.promptops.decomposition.records import QueryLabels

QUERY = "When was Siemens founded, and who led it in 1990?"
FIRST = {"text": "When was Siemens founded", "kind": "timeline"}


class ScriptedLabeler:
    """Gives its answers one after the other; a request too many fails."""

    name = "scripted"

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)
        self.requests: list[str] = []

    def label(self, request: str) -> str:
        self.requests.append(request)
        return next(self._answers)


def second(to: str, clause: int = 0, text: str = "it") -> dict[str, Any]:
    refers = [{"text": text, "clause": clause, "to": to}]
    return {"text": "and who led it in 1990?", "kind": "timeline", "refers": refers}


def build_labelled(*clauses: dict[str, Any]) -> Any:
    return build_intent_graph(QUERY, QueryLabels.model_validate({"clauses": clauses}))


def test_a_query_is_asked_once_and_then_has_the_same_graph(tmp_path: Path) -> None:
    path = tmp_path / "promptops" / "intent_labels.jsonl"
    labeler = ScriptedLabeler(json.dumps({"clauses": [FIRST, second("Siemens")]}))
    cache = CachedLabels(path, labeler)
    graph = build_intent_graph(QUERY, cache.find(QUERY))
    assert graph.split
    assert graph.nodes[1].binds == {"it": "Siemens"}
    assert graph.edges[0].variable == "it"
    assert build_intent_graph(QUERY, CachedLabels(path, ScriptedLabeler()).find(QUERY)) == graph
    assert build_intent_graph(QUERY, CachedLabels(path, name="scripted").find(QUERY)) == graph
    assert len(labeler.requests) == 1
    assert QUERY in labeler.requests[0]


def test_labels_of_another_model_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    CachedLabels(path, ScriptedLabeler(json.dumps({"clauses": [FIRST]}))).find(QUERY)
    assert CachedLabels(path, name="other").find(QUERY) == QueryLabels()


@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        ([FIRST, second("")], "unbound_reference"),
        ([FIRST, second("Bosch")], "unbound_reference"),
        ([FIRST, second("Siemens", clause=1)], "unbound_reference"),
        ([FIRST, second("Siemens", clause=7)], "unbound_reference"),
        ([FIRST, second("Siemens", text="he")], "unbound_reference"),
        ([FIRST, {"text": "who led Bosch?", "kind": "timeline"}], "foreign_label"),
        ([FIRST], "one_part"),
        ([FIRST, {"text": "who led it", "kind": "timeline"}], "words_lost"),
    ],
)
def test_labels_that_do_not_fit_keep_the_query_whole(
    clauses: list[dict[str, Any]], reason: str
) -> None:
    graph = build_labelled(*clauses)
    assert (graph.split, graph.reason) == (False, reason)
    assert [node.text for node in graph.nodes] == [QUERY]


@given(st.one_of(st.text(), st.from_regex(r"\{\"clauses\": .{0,40}\}"), st.just('{"clauses": 3}')))
def test_any_answer_of_a_model_can_be_read(answer: str) -> None:
    build_intent_graph(QUERY, parse_labels(answer))


def test_a_damaged_row_of_the_cache_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"key": 3}\n{torn\n', encoding="utf-8")
    answer = json.dumps({"clauses": [FIRST, second("Siemens")]})
    assert CachedLabels(path, ScriptedLabeler(answer)).find(QUERY).clauses
