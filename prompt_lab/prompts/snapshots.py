"""Snapshots and promotion records: which texts are current, and who made them so, and why."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.errors import LabError
from prompt_lab.names import Outcome


class PromotionRefused(LabError):
    """A promotion or rollback that the rules do not allow; nothing was changed."""


class PromotionKind(StrEnum):
    """What moved the pointer."""

    IMPORT = "import"
    PROMOTE = "promote"
    FORCE = "force"
    ROLLBACK = "rollback"


class ActorKind(StrEnum):
    """Who acts: only a person may force."""

    PERSON = "person"
    WORKER = "worker"
    SCHEDULE = "schedule"


class Actor(BaseModel):
    """Who moves the pointer, and by which door."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(min_length=1)
    kind: ActorKind


class TrialVerdict(NamedTuple):
    """What a promotion rests on: the outcome of a trial, and the text that it was about."""

    id: str
    outcome: Outcome
    text_sha256: str


class Snapshot(BaseModel):
    """snapshots/<id>.json: all current versions, as prompt id -> sha256 of the text."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    prompts: dict[str, str]
    parent: str = ""
    actor: str
    reason: str
    verdicts: dict[str, str] = Field(default={}, description="prompt id -> verdict, of the changes")
    forced: tuple[str, ...] = Field(default=(), description="prompt ids changed without a verdict")
    created: str

    @property
    def id(self) -> str:
        """sha256 of its content."""
        return digest_json(self.model_dump(mode="json"))


class PromotionRecord(BaseModel):
    """One row of promotions.jsonl, and the pointer: the last row is what is current."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    sequence: int = Field(ge=1)
    kind: PromotionKind
    from_snapshot: str = ""
    to_snapshot: str
    actor: Actor
    reason: str
    verdicts: dict[str, str] = {}
    forced: tuple[str, ...] = ()
    when: str
    previous_row: str = Field(default="", description="sha256 of the row before; '' of the first")

    @property
    def digest(self) -> str:
        """sha256 of the row, which the next one cites."""
        return digest_json(self.model_dump(mode="json"))


def digest_json(value: object) -> str:
    """sha256 of a value as JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def digest_text(text: str) -> str:
    """sha256 of a prompt's text in UTF-8, placeholders unfilled: the id of a version."""
    return sha256(text.encode("utf-8")).hexdigest()


def check_verdict(prompt_id: str, text: str, verdict_id: str, found: TrialVerdict | None) -> None:
    """Raise PromotionRefused unless a YES verdict was given for exactly this text."""
    if not verdict_id:
        raise PromotionRefused(
            f"{prompt_id!r} has no verdict. A text is promoted with the id of a YES verdict for "
            "exactly this text: run a trial of it."
        )
    if found is None:
        raise PromotionRefused(f"{prompt_id!r}: there is no verdict {verdict_id!r} in this lab.")
    if found.outcome is not Outcome.YES:
        raise PromotionRefused(
            f"{prompt_id!r}: verdict {verdict_id!r} is {found.outcome.value}, not YES."
        )
    if found.text_sha256 != digest_text(text):
        raise PromotionRefused(
            f"{prompt_id!r}: verdict {verdict_id!r} is about another text "
            f"({found.text_sha256[:12]}, not {digest_text(text)[:12]}). Run a trial of this one."
        )


def check_force(actor: Actor, changes: Mapping[str, str], reason: str) -> None:
    """Raise PromotionRefused unless a person forces one named prompt and says why."""
    if actor.kind is not ActorKind.PERSON:
        raise PromotionRefused(
            f"{actor.name!r} is a {actor.kind.value}: only a person may force a promotion."
        )
    if len(changes) != 1:
        raise PromotionRefused("A forced promotion names exactly one prompt.")
    if not reason.strip():
        raise PromotionRefused("A forced promotion needs a reason.")


def find_chain_faults(rows: Sequence[PromotionRecord]) -> list[str]:
    """What is wrong with the journal's rows on their own: order, links, missing verdicts."""
    faults = []
    before: PromotionRecord | None = None
    for place, row in enumerate(rows, 1):
        if row.sequence != place:
            faults.append(f"row {place} has sequence {row.sequence}")
        if row.previous_row != (before.digest if before else ""):
            faults.append(f"row {place} does not cite the row before it")
        if row.from_snapshot != (before.to_snapshot if before else ""):
            faults.append(f"row {place} does not start from the snapshot that was current")
        if row.kind is PromotionKind.PROMOTE and not row.verdicts:
            faults.append(f"row {place} promotes without a verdict")
        if row.kind is PromotionKind.FORCE and row.actor.kind is not ActorKind.PERSON:
            faults.append(f"row {place} was forced by a {row.actor.kind.value}")
        before = row
    return faults
