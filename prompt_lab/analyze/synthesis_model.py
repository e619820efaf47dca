"""The record of a synthesis, from which the next iteration starts."""

from pydantic import Field

from prompt_lab.analyze.failure_modes import FailureMode
from prompt_lab.names import Side
from prompt_lab.records import Direction, Record

FIVE = 5


class Participant(Record):
    """Who took part: 'read', 'unparsed' (kept as text), 'failed' (no answer) or '-'."""

    analyst: str
    insight: str
    review: str


class SynthesisRecord(Record):
    """The synthesis, from which the next iteration starts."""

    version: int = 1
    side: Side = Field(description="whose failures the directions are drawn from")
    score: float = Field(description="mean primary of that side")
    took_part: tuple[Participant, ...] = ()
    agree: tuple[str, ...] = ()
    disagree: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = Field(
        default=(), description="claims that the numbers of the runs refute, with these numbers"
    )
    alone: tuple[str, ...] = Field(default=(), description="reported by only one analyst")
    recorded: bool = Field(default=False, description="as in Metrics")
    remembered: tuple[str, ...] = Field(
        default=(), description="the ledger: each change that was tried, the newest first"
    )
    failure_modes: tuple[FailureMode, ...] = Field(
        default=(), description="known failure modes, this iteration's runs included"
    )
    directions: tuple[Direction, ...] = Field(min_length=FIVE, max_length=FIVE)
    set_aside: tuple[str, ...] = Field(default=(), description="directions not to repeat now")
