"""The intent graph of a query: its parts, and what each part takes from another one."""

from typing import Final, Literal

from pydantic import Field

from prompt_lab.records import VERSION, Record

IntentKind = Literal[
    "extraction", "counting", "timeline", "cross_window_relation", "structured_key_value"
]
FAMILIES: Final[dict[IntentKind, str]] = {
    "extraction": "query_extraction",
    "counting": "query_counting",
    "timeline": "query_timeline",
    "cross_window_relation": "query_relation",
    "structured_key_value": "query_key_value",
}
"""Kind -> family of prompt ids: the id itself, or any id that begins with it and '_'."""
ANSWER: Final = "answer"
"""`binding` of an edge whose variable is the whole answer of its source."""


class IntentNode(Record):
    """One part of a query."""

    id: str = Field(description="'n1', 'n2', … in the order of the query")
    kind: IntentKind
    text: str = Field(description="the part, as it is asked; spans of the query, in its words")
    prompt_family: str = Field(description="of FAMILIES")
    binds: dict[str, str] = Field(
        default={}, description="referring expression -> the phrase of the query it stands for"
    )


class IntentEdge(Record):
    """A variable that the target takes from the source."""

    source: str
    target: str
    variable: str = Field(description="the referring expression in the target's text")
    binding: str = Field(description="a phrase of the source's text, or 'answer'")

    @property
    def takes_answer(self) -> bool:
        """Whether the target can be asked only after the source was answered."""
        return self.binding == ANSWER


class IntentGraph(Record):
    """The parts of a query. One that is not split has one node, which is the whole query."""

    version: int = VERSION
    query: str
    nodes: tuple[IntentNode, ...]
    edges: tuple[IntentEdge, ...] = ()
    split: bool
    reason: str = Field(description="code: how it was split, or why not")

    def list_sources(self, node_id: str) -> tuple[str, ...]:
        """The nodes whose answers this one waits for."""
        return tuple(one.source for one in self.edges if one.target == node_id and one.takes_answer)


class Reference(Record):
    """A referring expression of a clause, as a labeller saw it."""

    text: str = Field(description="as written in the clause")
    clause: int = Field(default=-1, description="from 0: the earlier clause that binds it")
    to: str = Field(
        default="", description="a phrase of that clause, 'answer' for its answer, '' if unknown"
    )


class ClauseLabel(Record):
    """A part of a query, as a labeller saw it. `text` and `context` are spans of the query."""

    text: str
    kind: IntentKind
    context: str = Field(default="", description="what the part needs of the query before it")
    refers: tuple[Reference, ...] = ()


class QueryLabels(Record):
    """What a labeller says of one query; without clauses it says nothing."""

    clauses: tuple[ClauseLabel, ...] = ()
