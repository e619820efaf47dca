"""What all merges together have come to: the first baseline against the prompt of now."""

from prompt_lab.decide.verdict import Policy, Verdict
from prompt_lab.names import Outcome
from prompt_lab.records import VERSION, Record

ALPHA = 0.05


class SinceRecord(Record):
    """One comparison. Gains do not add up: `added` is what the merged verdicts claim in sum."""

    version: int = VERSION
    first: str
    """Commit of the target that the first iteration began from."""
    now: str
    """Commit that the last merge made."""
    merges: int
    added: float
    """Sum of the effects of all merged changes, as shares of 1."""
    verdict: Verdict

    @property
    def text(self) -> str:
        """The finding in one or two sentences, with what to do where no gain is shown."""
        found = self.verdict
        merges = "1 merge that claims" if self.merges == 1 else f"{self.merges} merges that claim"
        of = f"{merges} {self.added * 100:+.1f} points in sum"
        if found.effect is None or found.interval is None:
            return f"Since the start, {of}: cannot be compared. {found.reasons[0].text}"
        low, high = found.interval.low * 100, found.interval.high * 100
        shown = (
            f"Since the start, {of}: {found.effect * 100:+.1f} points over {found.n_plans} plans"
            f" (interval {low:+.1f} to {high:+.1f})."
        )
        if found.outcome is Outcome.YES:
            return shown
        return f"{shown} No gain is shown: one of the merges may have to be taken back."


def since_policy(policy: Policy) -> Policy:
    """One look at all the pairs: nothing is merged by it, so it spends no budget."""
    changes = {"mode": "fixed", "alpha": ALPHA, "verify": "off", "simpler_margin": None}
    return policy.model_copy(update=changes)
