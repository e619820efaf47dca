"""One paired observation: the same model, plan and replicate on both sides."""

from typing import NamedTuple


class RunCell(NamedTuple):
    """Where a pair belongs; what a trial asks to be run next, on both sides."""

    model: str
    plan: str
    replicate: int


class Pair(NamedTuple):
    """Scores of both sides in [0, 1]; None where a run is missing for an outside reason.

    A bad answer is not missing: its caller scores it 0.
    """

    model: str
    plan: str
    replicate: int
    baseline: float | None
    candidate: float | None

    @property
    def cell(self) -> RunCell:
        """The pair without its scores."""
        return RunCell(self.model, self.plan, self.replicate)
