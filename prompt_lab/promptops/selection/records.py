"""What the selector reads, decides and writes down.

Times are UTC in ISO 8601, durations milliseconds, money US dollars, shares in [0, 1].
"""

from typing import Final, Literal, NamedTuple

from prompt_lab.records import VERSION, Record

LOW_CONFIDENCE: Final = 0.5
Reason = Literal["ranked_first", "explored", "only_one", "within_limits", "too_many_contexts"]


class SelectionContext(NamedTuple):
    """What a choice depends on; None and '' where the caller does not say.

    `confidence` is what the caller expects of the call before it is made. The limits leave out
    candidates whose measured mean lies above them.
    """

    prompt_id: str
    task_class: str
    model: str = ""
    confidence: float | None = None
    max_latency_ms: float | None = None
    max_cost_usd: float | None = None

    @property
    def key(self) -> str:
        """The group of calls whose outcomes are counted together.

        >>> SelectionContext("query", "orders", "small", 0.2).key
        'orders / small / low'
        """
        return name_group(self.task_class, self.model, self.confidence)


def name_group(task_class: str, model: str, confidence: float | None) -> str:
    """Task class, model and confidence band ('low', 'high', '' if unknown) as one text."""
    band = "" if confidence is None else "low" if confidence < LOW_CONFIDENCE else "high"
    return f"{task_class} / {model} / {band}"


class VariantEvidence(Record):
    """Outcomes of one variant in one group since its last change.

    A result is in [0, 1]; `successes` is their sum and may be fractional.
    """

    successes: float = 0.0
    failures: float = 0.0
    latency_ms: float | None = None
    cost_usd: float | None = None

    @property
    def calls(self) -> float:
        """Calls with a known result."""
        return self.successes + self.failures

    @property
    def mean(self) -> float:
        """Posterior mean of the share of successes, from a uniform prior."""
        return (self.successes + 1) / (self.calls + 2)

    @property
    def variance(self) -> float:
        """Posterior variance of the share of successes."""
        return self.mean * (1 - self.mean) / (self.calls + 3)


NO_EVIDENCE: Final = VariantEvidence()
GroupEvidence = dict[str, VariantEvidence]
"""variant -> its evidence."""


class SelectionEvidence(Record):
    """promptops/selection/evidence.json: prompt id -> group -> variant -> outcomes."""

    version: int = VERSION
    when: str = ""
    groups: dict[str, dict[str, GroupEvidence]] = {}


class Ranking(NamedTuple):
    """Candidates of one context, the leader first.

    `beats_leader` is, for each of the others, the posterior probability that it is better than the
    leader; `confidence` a lower bound of the probability that the leader is best. `unmeasured` are
    those with too few calls to be ranked, the fewest first.
    """

    order: tuple[str, ...]
    beats_leader: dict[str, float]
    confidence: float
    unmeasured: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def leader(self) -> str:
        """The variant that is served but for exploration."""
        return self.order[0]


class VariantSelection(NamedTuple):
    """One choice. `number` counts the choices of its group in this process, from 1."""

    variant: str
    leader: str
    reason: Reason
    confidence: float
    number: int
    group: str

    @property
    def explored(self) -> bool:
        """Whether another variant than the leader was chosen, to learn about it."""
        return self.reason == "explored"


class SelectionRow(Record):
    """One row of promptops/selection.jsonl: a choice and what it was made from."""

    version: int = VERSION
    when: str
    trace: str
    prompt_id: str
    group: str
    variant: str
    leader: str
    reason: str
    explored: bool
    confidence: float
    number: int
    candidates: int
    seed: int
    evidence: str
