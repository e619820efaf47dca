"""The section `production:` of lab.yaml: what the daily review reads, tries and reports."""

from typing import Any

from pydantic import Field

from prompt_lab.config.base import Config


class ProductionConfig(Config):
    """Settings of the daily review. Keys of services come from the environment alone."""

    store: str = Field(
        default="", description="a database URL; default: state.db in the lab (SQLite)"
    )
    chat: str = Field(
        default="terminal", description="terminal, green_api, or a dotted path: where it is sent"
    )
    level: float = Field(
        default=0.05, gt=0, lt=0.5, description="chance of any false finding in a healthy month"
    )
    traces: int = Field(
        default=200, ge=0, description="most traces that the analyst reads; --n overrides it"
    )
    retention_days: int = Field(
        default=0, ge=0, description="older traces are deleted by each review; 0: none are"
    )
    analyst: bool = Field(
        default=True, description="false: never ask a model, not even where its key is there"
    )
    analyst_model: str = Field(
        default="", description="alias or short name; OPTIMIZER_MODEL overrides it"
    )
    trial_policy: str = Field(
        default="strict", description="policy of trials of accuracy and capabilities"
    )
    cost_policy: str = Field(
        default="simpler", description="policy of trials of savings: a non-inferiority policy"
    )
    models: tuple[str, ...] = Field(
        default=(), description="models of the trials; default: those of lab.yaml"
    )
    trials_per_review: int = Field(default=3, ge=0, description="the first ones, by their numbers")
    plans_per_review: int = Field(
        default=40, ge=0, description="most plans that a review adds for one prompt"
    )
    context_characters: int = Field(
        default=4000, ge=200, description="of the conversation in a plan; its end is what is kept"
    )
    forbidden_claims: tuple[str, ...] = Field(
        default=(), description="texts that no answer may hold, in any case of letters"
    )
    detection: dict[str, Any] = Field(
        default={}, description="limits of the detectors, docs/production.md"
    )
    measure: dict[str, Any] = Field(
        default={}, description="when a deployed version is worse, and 'rollback: automatic'"
    )
