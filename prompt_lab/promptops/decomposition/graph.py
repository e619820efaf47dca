"""From a query to its intent graph: equal query and labels, equal graph.

A query is split only where nothing can be misunderstood: short items after a frame, clauses of
equal structure, or parts that a labeller marked with every reference bound.
"""

from collections.abc import Sequence

from prompt_lab.analyze.words import tokens
from prompt_lab.promptops.decomposition.clauses import (
    cut_clauses,
    cut_sentences,
    find_enumeration,
    is_question,
)
from prompt_lab.promptops.decomposition.kinds import classify_part
from prompt_lab.promptops.decomposition.labels import bind_labels
from prompt_lab.promptops.decomposition.records import (
    FAMILIES,
    IntentGraph,
    IntentKind,
    IntentNode,
    QueryLabels,
)
from prompt_lab.promptops.decomposition.references import are_parallel

MOST_PARTS = 8
"""More would cost more calls than a better answer is worth."""


def build_intent_graph(query: str, labels: QueryLabels | None = None) -> IntentGraph:
    """The graph of a query. Without labels its structure alone decides.

    >>> graph = build_intent_graph("Where is Oslo? Where is Lima?")
    >>> [node.text for node in graph.nodes], graph.reason
    (['Where is Oslo?', 'Where is Lima?'], 'parallel_sentences')
    """
    if labels is not None and labels.clauses:
        return _split_by_labels(query, labels)
    return _split_by_structure(query)


def _split_by_labels(query: str, labels: QueryLabels) -> IntentGraph:
    nodes, edges, fault = bind_labels(query, labels)
    if fault:
        return keep_whole(query, fault)
    return _check(IntentGraph(query=query, nodes=nodes, edges=edges, split=True, reason="labels"))


def _split_by_structure(query: str) -> IntentGraph:
    enumeration = find_enumeration(query)
    if enumeration is not None:
        space = " " if enumeration.frame.endswith(":") else ""
        parts = [f"{enumeration.frame}{space}{item}" for item in enumeration.items]
        return _split(query, parts, "enumeration", is_item=True)
    sentences = cut_sentences(query)
    if len(sentences) > 1:
        return _split_sentences(query, sentences)
    clauses = cut_clauses(query)
    if len(clauses) < 2:
        return keep_whole(query, "one_part")
    if are_parallel(clauses):
        return _split(query, clauses, "parallel_clauses")
    return keep_whole(query, "unbound_clause")


def _split_sentences(query: str, sentences: Sequence[str]) -> IntentGraph:
    """Statements first, which every part needs; then questions of one structure."""
    lead = 0
    while lead < len(sentences) and not is_question(sentences[lead]):
        lead += 1
    questions = sentences[lead:]
    if not questions:
        context, questions = sentences[:0], sentences
    else:
        context = sentences[:lead]
    if len(questions) < 2:
        return keep_whole(query, "one_question")
    if not are_parallel(questions):
        return keep_whole(query, "unbound_sentence")
    return _split(query, [" ".join((*context, one)) for one in questions], "parallel_sentences")


def _split(query: str, parts: Sequence[str], reason: str, *, is_item: bool = False) -> IntentGraph:
    nodes = tuple(
        _make_node(at, text, classify_part(text, is_item=is_item))
        for at, text in enumerate(parts, 1)
    )
    return _check(IntentGraph(query=query, nodes=nodes, split=True, reason=reason))


def _check(graph: IntentGraph) -> IntentGraph:
    """The graph, or the whole query where it has too many parts or a word would be lost."""
    if len(graph.nodes) > MOST_PARTS:
        return keep_whole(graph.query, "too_many_parts")
    kept = {word for node in graph.nodes for word in tokens(node.text)}
    if not kept.issuperset(tokens(graph.query)):
        return keep_whole(graph.query, "words_lost")
    return graph


def keep_whole(query: str, reason: str) -> IntentGraph:
    """The graph of a query that is not split; `reason` is the code why."""
    node = _make_node(1, query, classify_part(query))
    return IntentGraph(query=query, nodes=(node,), split=False, reason=reason)


def _make_node(number: int, text: str, kind: IntentKind) -> IntentNode:
    return IntentNode(id=f"n{number}", kind=kind, text=text, prompt_family=FAMILIES[kind])
