"""The section `promptops:` of lab.yaml: what the service promises, tries and spends."""

from typing import Self

from pydantic import Field, model_validator

from prompt_lab.config.base import Config


class ScoreWeights(Config):
    """Weights of the composite score's parts; parts that a call does not have are left out."""

    parse_validity: float = Field(default=1.0, ge=0)
    schema_compliance: float = Field(default=1.0, ge=0)
    grounding: float = Field(default=1.0, ge=0)
    success: float = Field(default=3.0, ge=0)
    judge: float = Field(default=0.0, ge=0, description="the llm_judge's preference")
    latency: float = Field(default=0.5, ge=0, description="penalty beyond the latency budget")


class CanaryConfig(Config):
    """The canary of a candidate that an offline trial accepted."""

    share: float = Field(default=0.2, gt=0, le=0.5, description="of the units, in each arm")
    least_units: int = Field(default=100, ge=1, description="in each arm, before it may pass")
    most_calls: int = Field(default=4000, ge=2, description="both arms; then it passes or is kept")
    harm_margin: float = Field(default=0.0, ge=0, lt=1, description="loss that is accepted")
    alpha: float = Field(
        default=0.07,
        gt=0,
        lt=0.5,
        description="nominal chance to abort an equal one, trial included",
    )


class OptimizerConfig(Config):
    """The worker that proposes and tries candidates while the machine is idle."""

    enabled: bool = Field(default=True, description="false stops it within a second")
    load: float = Field(default=0.5, ge=0, description="load average a core, above which it waits")
    quiet_minutes: float = Field(default=10.0, ge=0, description="since the last call of a user")
    calls_per_day: int = Field(default=2000, ge=0)
    usd_per_day: float = Field(default=1.0, ge=0)
    errors_per_day: int = Field(default=5, ge=1, description="failed attempts at trials")
    variants: int = Field(default=3, ge=1, description="candidates made for one prompt at a time")
    models: tuple[str, ...] = Field(default=(), description="of the trials; default: lab.yaml's")
    rewriter: str = Field(
        default="", description="model of model-assisted rewrites; '': rules only"
    )
    policy: str = Field(default="strict", description="a file of configs/policies")
    back_off_minutes: float = Field(default=5.0, gt=0, description="after a failure, doubled")


class SelectorConfig(Config):
    """The choice among promoted variants, where a verdict has turned it on for a task class."""

    exploration: float = Field(
        default=0.1, ge=0, le=0.5, description="most calls of a context that get another variant"
    )
    settled: float = Field(
        default=0.02, ge=0, le=0.5, description="the same once the leader is known, to see changes"
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="posterior chance from which the leader is known"
    )
    evidence_days: float = Field(default=90.0, gt=0, description="of outcomes that are counted")
    seed: int = 1

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.settled > self.exploration:
            raise ValueError("selector: settled must not be larger than exploration")
        return self


class LibraryConfig(Config):
    """Templates mined from texts that won and stayed."""

    stay_hours: float = Field(default=24.0, ge=0, description="as the current text, after winning")
    least_success: float = Field(
        default=0.5, ge=0, le=1, description="lower 95 % limit of success since the promotion"
    )
    candidates: int = Field(default=1, ge=0, description="of a round that are made of templates")


class SloConfig(Config):
    """Limits that the release gate and the SLO page compare with."""

    window_hours: float = Field(default=24.0, gt=0)
    stale_hours: float = Field(default=24.0, gt=0, description="without a metric row: an alert")
    success_drop: float = Field(default=0.05, ge=0, le=1, description="most that success may fall")
    grounding_drop: float = Field(default=0.05, ge=0, le=1)
    latency_ms: float = Field(default=5000.0, gt=0, description="95th percentile of a call")
    cost_usd: float = Field(default=0.05, ge=0, description="mean of a call")
    rollback_rate: float = Field(default=0.34, ge=0, le=1, description="of the promotions")
    churn_per_week: float = Field(default=7.0, ge=0, description="promotions of one prompt")


class PromptOpsConfig(Config):
    """Settings of the PromptOps service, docs/promptops.md."""

    task_classes: dict[str, str] = Field(
        default={}, description="task class -> prompt id; others go by the manifests' task_class"
    )
    prepare_ms: float = Field(
        default=50.0, gt=0, description="budget of prepare; then the raw prompt comes back"
    )
    least_support: int = Field(
        default=30, ge=1, description="outcomes of a prompt before anything is said of it"
    )
    weak_below: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="a prompt is weak if its success lies below, by interval",
    )
    least_score: float = Field(
        default=0.3, ge=0, le=1, description="score in its trial that a candidate needs"
    )
    latency_budget_ms: float = Field(default=5000.0, gt=0, description="of one call")
    plans_per_round: int = Field(default=200, ge=0, description="most plans added for one prompt")
    weights: ScoreWeights = ScoreWeights()
    canary: CanaryConfig = CanaryConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    selector: SelectorConfig = SelectorConfig()
    library: LibraryConfig = LibraryConfig()
    slo: SloConfig = SloConfig()

    @model_validator(mode="after")
    def _check_arms(self) -> Self:
        if self.canary.most_calls < 2 * self.canary.least_units:
            raise ValueError("canary: most_calls must be at least twice least_units")
        return self
