"""The daily review: its numbered items, and the session that a person answers."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from prompt_lab.prompts.snapshots import digest_json
from prompt_lab.records import Record


class Goal(StrEnum):
    """What an item would improve."""

    ACCURACY = "accuracy"
    CAPABILITIES = "capabilities"
    COST = "cost"


class ItemType(StrEnum):
    """What it takes to act on an item. Only a prompt change can be deployed from a reply."""

    PROMPT_CHANGE = "prompt_change"
    CONFIG_CHANGE = "config_change"
    CODE_CHANGE = "code_change"
    INVESTIGATE = "investigate"


class ItemState(StrEnum):
    """Where an item of a session stands."""

    PENDING = "pending"
    UNTESTED = "untested"
    REMOVED = "removed"
    DEPLOYED = "deployed"
    REFUSED = "refused"


class SessionStatus(StrEnum):
    """Where a session stands."""

    PENDING = "pending"
    DEPLOYED = "deployed"
    PARTLY_DEPLOYED = "partly_deployed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class FindingEvidence(Record):
    """What a finding rests on, so that a reader can check it against the store."""

    counts: dict[str, float] = Field(default={}, description="what was counted -> number")
    trace_ids: tuple[str, ...] = Field(default=(), description="the first 20, in order of time")
    rate: float | None = None
    interval: tuple[float, float] | None = Field(default=None, description="95 % of the rate")
    hits: int | None = Field(default=None, description="numerator of the rate, in sessions")
    total: int | None = Field(default=None, description="denominator of the rate")
    p_value: float | None = None
    tokens_per_day: float | None = None
    usd_per_day: float | None = None


class Finding(Record):
    """Something that is wrong in production, before it is numbered."""

    detector: str = Field(description="name of the detector, or 'analyst'")
    key: str = Field(description="the same for the same finding on another day, such as a tool")
    goal: Goal
    type: ItemType
    title: str
    impact: str = ""
    fix: str = ""
    prompt_key: str = Field(default="", description="prompt id of the registry")
    prompt_text: str = Field(default="", description="the rewritten text of a prompt change")
    config_key: str = ""
    config_value: Any = None
    evidence: FindingEvidence = FindingEvidence()

    @property
    def identity(self) -> str:
        """What makes two findings of different days the same."""
        return f"{self.detector}:{self.key}"


class Item(Finding):
    """A numbered finding of a session, with what its trial said."""

    id: int = Field(ge=1)
    state: ItemState = ItemState.PENDING
    verdict_id: str = Field(default="", description="of a YES for exactly `prompt_text`")
    verdict: str = Field(default="", description="outcome of its trial; '' where none was made")
    screening_effect: float | None = None
    price_usd: float | None = Field(default=None, description="what its trial cost")
    plans_missing: int = Field(default=0, description="plans that a trial would still need")
    note: str = Field(default="", description="why it was refused or removed")
    base_sha256: str = Field(
        default="", description="of the current text that `prompt_text` was written from"
    )

    @property
    def deployable(self) -> bool:
        """Whether "deploy all" includes it: a tested prompt change that is still pending."""
        return (
            self.type is ItemType.PROMPT_CHANGE
            and self.state is ItemState.PENDING
            and bool(self.verdict_id)
        )


class ReviewSession(Record):
    """The numbered findings of one day, and what became of them."""

    id: str = Field(description="UUID")
    created_at: str
    status: SessionStatus = SessionStatus.PENDING
    window_hours: float
    trace_count: int
    session_count: int = 0
    average_cost_usd: float | None = None
    analysis_text: str = ""
    analyst_skipped: str = Field(default="", description="why the analyst was not asked")
    items: tuple[Item, ...] = ()
    channel_user_id: str = Field(default="", description="chat that it was sent to")
    notified_at: str = ""
    message_id: str = Field(default="", description="the chat's id of the message")
    reason: str = Field(default="", description="why it is still pending, where something is down")
    approval_id: str = Field(default="", description="of the last reply that approved items")
    approved_by: str = Field(default="", description="the person, as the channel names them")
    approved_at: str = ""
    approved_items: tuple[int, ...] = Field(default=(), description="that this reply approved")
    forced_item: int = Field(default=0, description="the one that it approved untested; 0: none")
    forced_reason: str = Field(default="", description="why, in the person's words")

    @property
    def content_sha256(self) -> str:
        """The hash that an approval is bound to: what was shown of each item, and its text."""
        shown = [item.model_dump(mode="json", exclude={"state", "note"}) for item in self.items]
        return digest_json([self.id, shown])
