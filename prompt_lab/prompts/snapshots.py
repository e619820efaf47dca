"""Snapshots and promotion records: which texts are current, and who made them so, and why."""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.errors import LabError
from prompt_lab.names import Outcome

PRODUCTION = "production"
"""The label that is the pointer."""
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class PromotionRefused(LabError):
    """A promotion or rollback that the rules do not allow; nothing was changed."""


class PromotionKind(StrEnum):
    """What happened. Of a git target, PROMOTE is a merge and ROLLBACK is its revert."""

    IMPORT = "import"
    PROMOTE = "promote"
    FORCE = "force"
    ROLLBACK = "rollback"
    LABEL = "label"


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
    prompt: str = ""
    """The registry's prompt that was tried; '' where the trial was of a git target's own."""


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


class GitMove(BaseModel):
    """The move of a git target's branch: a merge, or the merge of a revert."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    target: str
    branch: str = Field(description="that was moved, such as main")
    path: str = Field(description="of the prompt in the target")
    before: str = Field(description="commit that the branch stood at")
    after: str = Field(description="the merge commit")
    pull: int | None = Field(default=None, description="number of the pull request")
    text_sha256: str = Field(default="", description="of the prompt after the move; '' if unknown")


class PromotionRecord(BaseModel):
    """One row of promotions.jsonl, and the pointer: the last row is what is current.

    A row with `git` leaves the snapshot as it is; '' is the snapshot of a lab without any.
    """

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
    labels: dict[str, str] = Field(default={}, description="label -> snapshot, after this row")
    git: GitMove | None = None
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


def check_verdict(prompt_id: str, digest: str, verdict_id: str, found: TrialVerdict | None) -> None:
    """Raise PromotionRefused unless a YES was given for exactly the text with this sha256."""
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
    if found.text_sha256 != digest:
        raise PromotionRefused(
            f"{prompt_id!r}: verdict {verdict_id!r} is about another text "
            f"({found.text_sha256[:12]}, not {digest[:12]}). Run a trial of this one."
        )
    if found.prompt not in ("", prompt_id):
        raise PromotionRefused(
            f"{prompt_id!r}: verdict {verdict_id!r} is about the prompt {found.prompt!r}."
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


def check_label(label: str, reason: str) -> None:
    """Raise PromotionRefused for the pointer's own label, a name that is none, or no reason."""
    if label == PRODUCTION:
        raise PromotionRefused(
            f"{PRODUCTION!r} is the pointer: it moves by a promotion or a rollback."
        )
    if not _LABEL.fullmatch(label):
        raise PromotionRefused(f"{label!r} is no label: letters, digits, '_', '.', '-'.")
    if not reason.strip():
        raise PromotionRefused("A label needs a reason.")


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
        if (row.git or row.kind is PromotionKind.LABEL) and row.to_snapshot != row.from_snapshot:
            faults.append(f"row {place} moves the pointer, which its kind does not")
        if row.kind is PromotionKind.PROMOTE and not row.verdicts:
            faults.append(f"row {place} promotes without a verdict")
        if row.kind is PromotionKind.FORCE and row.actor.kind is not ActorKind.PERSON:
            faults.append(f"row {place} was forced by a {row.actor.kind.value}")
        before = row
    return faults
