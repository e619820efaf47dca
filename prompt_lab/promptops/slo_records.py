"""The report of the service levels, promptops/artifacts/slo.json, as typed records.

`docs/promptops_slo.schema.json` is its schema.
"""

from typing import Literal

from pydantic import Field

from prompt_lab.records import VERSION, Record

AlertCode = Literal[
    "stale_metrics",
    "success_regressed",
    "grounding_fell",
    "latency_exceeded",
    "cost_exceeded",
    "rollback_rate",
    "template_churn",
    "forced_canary",
]


class ServiceLevel(Record):
    """Calls of one prompt, one task class, both, or all; None: too few calls, or none measured.

    Deltas are this window less the one before, with limits at 95 % (Newcombe 1998, method 10).
    """

    scope: Literal["all", "task_class", "prompt", "prompt_and_class"]
    prompt_id: str = ""
    task_class: str = ""
    calls: int
    decided: int = Field(description="calls whose success is known")
    success: float | None = None
    success_low: float | None = None
    success_high: float | None = None
    success_delta: float | None = None
    success_delta_low: float | None = None
    success_delta_high: float | None = None
    grounding: float | None = None
    grounding_delta: float | None = None
    grounding_delta_high: float | None = None
    latency_p95_ms: float | None = Field(
        default=None, description="the worst of its variants that have enough calls"
    )
    cost_usd: float | None = Field(default=None, description="mean of a call")
    thumbs_up: int = 0
    thumbs_down: int = 0

    @property
    def name(self) -> str:
        """For a line of text.

        >>> ServiceLevel(scope="prompt", prompt_id="query", calls=0, decided=0).name
        'query'
        """
        return ", ".join(filter(None, (self.prompt_id, self.task_class))) or "all calls"


class PromotionRates(Record):
    """What became of one prompt's rounds in the last 28 days; a rate is None where none was."""

    prompt_id: str
    rounds: int = 0
    canaries: int = 0
    aborted: int = Field(default=0, description="canaries that the live traffic ended")
    promotions: int = 0
    forced: int = 0
    rollbacks: int = 0
    win_rate: float | None = Field(default=None, description="promotions of the rounds")
    rollback_rate: float | None = Field(default=None, description="rollbacks of the promotions")
    churn_per_week: float = Field(default=0.0, description="promotions in the last 7 days")


class SloAlert(Record):
    """A limit that is missed: its code, where, and what helps."""

    code: AlertCode
    where: str
    text: str


class SloReport(Record):
    """promptops/artifacts/slo.json."""

    version: int = VERSION
    when: str
    window_hours: float
    last_metric: str = Field(description="time of the newest metric row or outcome; '' for none")
    levels: tuple[ServiceLevel, ...]
    changes: tuple[PromotionRates, ...]
    alerts: tuple[SloAlert, ...]

    @property
    def is_stale(self) -> bool:
        """Whether the figures are too old to say anything."""
        return any(one.code == "stale_metrics" for one in self.alerts)
