"""Intent graphs: 60 queries of five languages as a snapshot, and what holds for every query."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.words import tokens
from prompt_lab.promptops.decomposition.graph import MOST_PARTS, build_intent_graph
from prompt_lab.promptops.decomposition.records import (
    FAMILIES,
    IntentGraph,
    IntentKind,
    QueryLabels,
)

HERE = Path(__file__).parent
QUERIES: list[dict[str, Any]] = json.loads((HERE / "queries.json").read_text(encoding="utf-8"))
GRAPHS: dict[str, Any] = json.loads((HERE / "graphs.json").read_text(encoding="utf-8"))
MARKS = (
    "?",
    "。",
    "؟",
    "।",
    ",",
    "、",
    "،",
    ";",
    ":",
    "：",
    "\n",
    "1) ",
    "2) ",
    "①",
    "- ",
    "(",
    '"',
)
WORDS = (
    "where",
    "Oslo",
    "Lima",
    "17",
    "1,200",
    "08:00",
    "首都",
    "挪威",
    "النرويج",
    "कहाँ",
    "it",
    "'s",
)


def build(case: dict[str, Any]) -> IntentGraph:
    labels = QueryLabels.model_validate(case["labels"]) if "labels" in case else None
    return build_intent_graph(case["query"], labels)


def list_lost(graph: IntentGraph) -> set[str]:
    """Words, numbers and signs of the query that stand in no node."""
    text = "\n".join(node.text for node in graph.nodes)
    signs = set(re.findall(r"[%€$£+=<>/*\"'(){}\[\]]", graph.query)) - set(text)
    return (set(tokens(graph.query)) - set(tokens(text))) | signs


def test_there_are_60_queries_in_five_languages_and_ten_must_not_be_split() -> None:
    assert len(QUERIES) == 60
    assert len({case["id"][:2] for case in QUERIES}) == 5
    assert sum(not case["split"] for case in QUERIES) >= 10
    reasons = {graph["reason"] for graph in GRAPHS.values() if not graph["split"]}
    assert {"unbound_clause", "unbound_sentence", "one_part"} <= reasons
    assert {one["kind"] for graph in GRAPHS.values() for one in graph["nodes"]} == set(
        get_args(IntentKind)
    )


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case["id"])
def test_a_query_has_the_graph_of_the_snapshot(case: dict[str, Any]) -> None:
    graph = build(case)
    shown = graph.model_dump(mode="json", exclude={"version", "query"}, exclude_defaults=True)
    assert shown == GRAPHS[case["id"]]
    assert graph.split == case["split"]
    assert not list_lost(graph)


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case["id"])
def test_each_node_maps_to_a_prompt_id_family(case: dict[str, Any]) -> None:
    for node in build(case).nodes:
        assert node.prompt_family == FAMILIES[node.kind]
    assert len(set(FAMILIES.values())) == len(get_args(IntentKind))


@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case["id"])
def test_each_edge_carries_a_variable_that_stands_in_both_nodes(case: dict[str, Any]) -> None:
    graph = build(case)
    texts = {node.id: node.text for node in graph.nodes}
    for edge in graph.edges:
        assert edge.variable in texts[edge.target]
        assert edge.takes_answer or edge.binding in texts[edge.source]
        assert edge.source < edge.target


QUERY = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(MARKS + WORDS + (" ",)), max_size=40).map("".join),
    st.lists(st.sampled_from(WORDS + MARKS), max_size=25).map(" ".join),
)


@given(QUERY)
def test_no_information_of_a_query_is_lost(query: str) -> None:
    graph = build_intent_graph(query)
    assert not set(tokens(query)) - {word for node in graph.nodes for word in tokens(node.text)}
    assert 1 <= len(graph.nodes) <= MOST_PARTS
    assert graph.split == (len(graph.nodes) > 1)
    assert build_intent_graph(query) == graph


PART = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


@given(st.lists(PART, min_size=2, max_size=5), st.data())
def test_no_information_is_lost_by_labels_whatever_they_say(
    parts: list[str], data: st.DataObject
) -> None:
    query = "? ".join(parts)
    kept = data.draw(st.lists(st.sampled_from([*parts, "elsewhere"]), max_size=6))
    clauses = [{"text": one, "kind": "extraction"} for one in kept]
    graph = build_intent_graph(query, QueryLabels.model_validate({"clauses": clauses}))
    assert not set(tokens(query)) - {word for node in graph.nodes for word in tokens(node.text)}
    assert "elsewhere" not in "".join(node.text for node in graph.nodes)
