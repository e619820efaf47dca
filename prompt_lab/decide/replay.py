"""An old verdict computed again from its stored rows, under its own policy or another one."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prompt_lab.decide.evidence import Evidence
from prompt_lab.decide.ledger import grant
from prompt_lab.decide.pairs import Pair
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.result import Verdict
from prompt_lab.decide.trial import Trial
from prompt_lab.names import Outcome


class Stored(BaseModel):
    """All that a trial was given: enough to compute its verdict bit for bit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    iteration: int = 0
    policy: Policy = Field(description="as granted, with the ledger's alpha")
    models: tuple[str, ...]
    plans: tuple[str, ...]
    pairs: tuple[Pair, ...]
    evidence: Evidence = Evidence()

    @model_validator(mode="before")
    @classmethod
    def _first_rule(cls, data: Any) -> Any:
        """A record from before rules had a version was decided by rule 1."""
        policy = data.get("policy") if isinstance(data, dict) else None
        if isinstance(policy, dict) and "rule_version" not in policy:
            return {**data, "policy": {**policy, "rule_version": 1}}
        return data


class VerdictChange(NamedTuple):
    """A past verdict that another policy would have decided otherwise."""

    iteration: int
    before: Outcome | None
    after: Outcome | None


def replay(stored: Stored, policy: Policy | None = None) -> Verdict | None:
    """The verdict of the stored rows; None if under this policy the trial would still go on.

    A policy that takes more plans than the old one stops where the rows end.
    """
    trial = Trial(policy or stored.policy, stored.models, stored.plans, stored.evidence)
    asked = set(trial.next_batch())
    given = {pair.cell: pair for pair in stored.pairs}
    while asked and trial.verdict is None and asked <= given.keys():
        trial.update(given[cell] for cell in asked)
        asked = set(trial.next_batch())
    return trial.verdict


def changes(stored: Iterable[Stored], policy: Policy) -> list[VerdictChange]:
    """The past verdicts that this policy would change, at the alpha of `at_replayed_alpha`."""
    found = []
    for old in stored:
        before, after = replay(old), replay(old, at_replayed_alpha(policy, old.policy.alpha))
        outcomes = [None if v is None else v.outcome for v in (before, after)]
        if outcomes[0] != outcomes[1]:
            found.append(VerdictChange(old.iteration, *outcomes))
    return found


def at_replayed_alpha(policy: Policy, granted: float) -> Policy:
    """The policy at the alpha at which it judges an old trial again.

    A policy of rules 1 and 2 takes what was granted then; one that decides by sealed plans the
    alpha of each of its confirmations, since the old ledger shared another budget.
    """
    return policy.at_alpha(grant([], policy).alpha if policy.seals else granted)


def differences(before: Verdict, after: Verdict) -> list[str]:
    """What two verdicts do not agree on, a line for each field; none where they are equal."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [f"{name}: {old[name]!r} -> {new[name]!r}" for name in old if old[name] != new[name]]
