"""How alpha is spent over the looks: cumulative error as a function of the time used."""

from math import exp, log, sqrt

from prompt_lab.decide.normal import above, reached
from prompt_lab.decide.policy import Policy


def alpha_spent(time: float, policy: Policy) -> float:
    """Alpha spent one-sided by `time`, the share of the planned plans that have been seen.

    Sources: Lan and DeMets 1983; Hwang, Shih and DeCani 1990.
    """
    if time >= 1:
        return policy.alpha
    if policy.spending == "obrien_fleming":
        return float(2 * above(reached(policy.alpha / 2) / sqrt(time)))
    if policy.spending == "pocock":
        return policy.alpha * log(1 + (exp(1) - 1) * time)
    if policy.gamma == 0:
        return policy.alpha * time
    return policy.alpha * (1 - exp(-policy.gamma * time)) / (1 - exp(-policy.gamma))
