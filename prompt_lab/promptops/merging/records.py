"""Answers of parts, and the one answer that is made of them."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from prompt_lab.promptops.decomposition.records import IntentGraph
from prompt_lab.records import VERSION, Record

SPLIT_FILE: Final = "split_answer.json"
"""Graph, parts and merged answer, in the folder of a run that asked by parts."""


QUESTION: Final = "question"
"""Placeholder of a prompt that asks a query whole."""
PART: Final = "part"
"""Placeholder of a prompt that asks it part by part."""


class ConflictCode(StrEnum):
    """Why answers of parts do not stand side by side as they are."""

    FAILED = "part_failed"
    UNANSWERED = "part_unanswered"
    ECHO = "part_repeats_question"
    MISSING = "part_missing"
    UNKNOWN_CITATION = "citation_unknown"
    UNSURE = "part_unsure"
    MIXED_SNAPSHOTS = "mixed_snapshots"
    NUMBERS = "numbers_disagree"
    VALUES = "values_disagree"
    CITATIONS = "citations_contradict"
    DUPLICATE = "duplicate_evidence"
    CONTAINED = "contained_evidence"


class PartAnswer(Record):
    """The answer to one node of an intent graph, or to the whole query (`node_id` 'whole')."""

    node_id: str
    text: str = ""
    question: str = Field(default="", description="the part as it was asked")
    prompt_id: str = ""
    snapshot: str = Field(default="", description="of the registry, that the prompt was read from")
    confidence: float = Field(default=1.0, ge=0, le=1, description="never above its evidence")
    sources: tuple[str, ...] = Field(default=(), description="texts; [n] names the n-th")
    error: str = Field(default="", description="why there is no answer")
    seconds: float = 0.0
    cost_usd: float = 0.0


class PartConflict(Record):
    """One conflict, and what the rules made of it."""

    code: ConflictCode
    nodes: tuple[str, ...]
    text: str = Field(description="what was found, with its words or numbers")
    kept: str = Field(description="node whose words stand; 'whole' where the fallback wins")


class PartProvenance(Record):
    """What one part of the merged answer rests on."""

    node_id: str
    prompt_id: str
    snapshot: str
    confidence: float
    sources: tuple[int, ...] = Field(description="numbers in the merged list of sources, from 1")


class MergedAnswer(Record):
    """The answer to a query that was asked by parts."""

    version: int = VERSION
    text: str
    parts: tuple[PartAnswer, ...] = ()
    provenance: tuple[PartProvenance, ...] = ()
    sources: tuple[str, ...] = Field(default=(), description="of all parts, each once")
    fallback_used: bool
    conflicts: tuple[PartConflict, ...] = ()
    seconds: float = Field(default=0.0, description="from the first call to the last answer")
    cost_usd: float = Field(default=0.0, description="of all calls, the whole query among them")


class SplitAnswer(Record):
    """A query that was asked by parts: its graph, and what came of it."""

    version: int = VERSION
    graph: IntentGraph
    merged: MergedAnswer
