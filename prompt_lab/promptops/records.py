"""What the PromptOps service writes, answers and passes on, as typed records.

Times are UTC in ISO 8601, durations milliseconds, money US dollars, scores and shares in [0, 1].
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.outcomes import Arm, CallOutcome
from prompt_lab.records import VERSION, Record

__all__ = [
    "CONTRACT_VERSION",
    "Arm",
    "CallOutcome",
    "Canary",
    "Prompt",
    "PromptPrepared",
    "Provenance",
    "Variant",
    "metric_row",
]

CONTRACT_VERSION: Final = "1"
"""Of the contract API. A change that a caller of v1 could notice makes a new one."""
Prompt = str | tuple[dict[str, Any], ...]
"""A text, or chat messages whose content is a text or a list of parts (text, image)."""


class PromptPrepared(BaseModel):
    """The answer of `prepare`. `prompt` is the raw one, unchanged, where `applied` is false."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    contract: str = CONTRACT_VERSION
    prompt: Prompt
    prompt_id: str = Field(default="", description="'' where no prompt of ours was used")
    snapshot: str = Field(default="", description="id of the registry's snapshot it was read from")
    variant: str = Field(default="", description="sha256 of the prompt's text as registered")
    arm: Arm = ""
    applied: bool = False
    strategy: str = Field(
        default="", description="how the variant was chosen; 'raw' if not applied"
    )
    reason: str = Field(default="", description="why not, where not applied; '' else")
    trace: str = Field(default="", description="id to give to record_outcome")


class Provenance(Record):
    """Where a variant of a prompt comes from."""

    operator: str = Field(
        description="structure, compress, expand, evidence_contract, model_rewrite, template or "
        "person"
    )
    parent: str = Field(description="sha256 of the text that it was made from")
    model: str = Field(default="", description="of a model-assisted rewrite; '' for a rule")
    note: str = ""


class Variant(Record):
    """A candidate text of one prompt, with where it comes from."""

    prompt_id: str
    text: str
    provenance: Provenance


class Canary(Record):
    """A candidate on live traffic: promptops/canaries/<prompt id>.json, one at a time a prompt."""

    version: int = VERSION
    prompt_id: str
    candidate: str = Field(description="sha256 of the candidate's text, a version of the registry")
    control: str = Field(description="sha256 of the current text, which the control arm gets")
    verdict_id: str = Field(description="the offline YES; '' where a person forced it")
    share: float = Field(gt=0, le=0.5, description="of the units, in each of the two arms")
    seed: int = Field(description="of the hash that puts each unit in its arm")
    started: str
    state: Literal["running", "passed", "aborted", "withdrawn"] = "running"
    ended: str = ""
    reasons: tuple[str, ...] = Field(default=(), description="codes, where it was aborted")
    forced_by: str = Field(default="", description="the person, where it was forced")
    trial_plans: int = Field(default=0, ge=0, description="that decided the offline trial")
    trial_alpha: float = Field(default=0.0, ge=0, le=1, description="granted to the offline trial")


def metric_row(kind: str, when: str, **fields: Any) -> dict[str, Any]:
    """A row of promptops/metrics.jsonl: `type` is 'promptops.' and the kind.

    >>> metric_row("prepare_prompt", "2026-01-01T00:00:00Z", latency_ms=0.1)["type"]
    'promptops.prepare_prompt'
    """
    return {"type": f"promptops.{kind}", "ts": when, **fields}


class TemplateRecommendation(BaseModel):
    """The template that `recommend_template` names for a task class, as it is registered."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    contract: str = CONTRACT_VERSION
    task_class: str
    prompt_id: str
    snapshot: str
    variant: str = Field(description="sha256 of the text")
    text: str
    strategy: str = Field(default="current", description="how it was chosen")
