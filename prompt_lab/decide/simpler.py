"""At equal scores the shorter prompt wins: shown to lose less than a margin, it is a YES."""

from math import ceil, log
from typing import NamedTuple

import numpy as np

from prompt_lab.decide.evidence import Lengths
from prompt_lab.decide.limits import MOST_PLANS, deviation, limits, plans_needed
from prompt_lab.decide.pairs import ScoreTable
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Code, Reason, number, points


class Simpler(NamedTuple):
    """Whether the rule applies, and whether the available pairs show it."""

    shown: bool
    note: Reason | None


def margin_of(policy: Policy, lengths: Lengths | None) -> float | None:
    """The margin if the rule applies: the policy has one and the candidate is shorter."""
    if policy.simpler_margin is None or lengths is None or lengths.baseline == 0:
        return None
    shorter = 1 - lengths.candidate / lengths.baseline
    return policy.simpler_margin if shorter >= max(policy.simpler_shorter, 1e-9) else None


def simpler(table: ScoreTable, policy: Policy, lengths: Lengths | None) -> Simpler:
    """Test non-inferiority on the plans that can tell, and only with the plans its margin needs.

    Plans where both sides scored nothing are left out: they cannot show that nothing was lost.
    Too few plans never pass, since a margin would then be met by luck alone.
    """
    margin = margin_of(policy, lengths)
    if margin is None or lengths is None:
        return Simpler(False, None)
    values = table.means[np.isfinite(table.means) & table.telling]
    spread = deviation(values) if len(values) > 1 else 1.0
    unseen = -log(policy.alpha) / margin  # a loss on so few plans could have stayed unseen
    rare = ceil(unseen) if unseen < MOST_PLANS else MOST_PLANS
    needed = max(rare, plans_needed(spread, margin, policy.alpha, policy.power))
    low = limits(values, policy.alpha).low
    facts = {
        "margin": number(margin),
        "low": number(low),
        "plans": str(len(values)),
        "needed": str(needed),
        "before": str(lengths.baseline),
        "after": str(lengths.candidate),
    }
    size = f"the prompt is {1 - lengths.candidate / lengths.baseline:.0%} shorter"
    if low > -margin and len(values) >= needed:
        text = (
            f"Simpler at an equal score: {size}, and a loss of {margin * 100:g} points is"
            f" excluded (at worst {points(low)} points)."
        )
        return Simpler(True, Reason(code=Code.SIMPLER, text=text, facts=facts))
    text = (
        f"{size[0].upper()}{size[1:]}, but a loss of {margin * 100:g} points is not excluded"
        f" (at worst {points(low)} points on {len(values)} plans); that takes about {needed} plans."
    )
    return Simpler(False, Reason(code=Code.NEEDS_PAIRS, text=text, facts=facts))
