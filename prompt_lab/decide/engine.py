"""One look at all the pairs: the whole alpha at once, no claim to earlier looks."""

from collections.abc import Sequence

from prompt_lab.decide.adjust import adjusted, centered_difficulty
from prompt_lab.decide.conclude import conclude
from prompt_lab.decide.effect import Sample, one_look
from prompt_lab.decide.evidence import Evidence
from prompt_lab.decide.margin import losses_of
from prompt_lab.decide.pairs import Pair, snap_ties, tabulate
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.result import Verdict


def decide(pairs: Sequence[Pair], policy: Policy, evidence: Evidence | None = None) -> Verdict:
    """The verdict of one look at all the pairs, in any order.

    It takes the pairs as all there will ever be. Who looks while pairs still come in uses Trial,
    or mode 'anytime', which alone allows to call this again and again. Raises LabError for a
    score outside [0, 1] or two different pairs of one cell.

    >>> pairs = [Pair("m", f"plan {i}", 0, 0.4, 0.6 + i / 100) for i in range(8)]
    >>> verdict = decide(pairs, Policy())
    >>> verdict.outcome.value, verdict.reasons[0].text
    ('YES', 'Better by +23.5 points over 8 plans (p = 0.0039, look 1 of 1).')
    """
    evidence = evidence or Evidence()
    table = tabulate(pairs, tie=policy.tie, one_sided=policy.seals)
    centred = (
        centered_difficulty(table.plans, evidence.difficulty)
        if policy.adjust == "difficulty"
        else None
    )
    values = snap_ties(adjusted(table.values, centred, (len(table.plans),)), policy.tie)
    finding = one_look(Sample(table.means, values, losses_of(table, policy)), policy)
    return conclude(table, finding, policy, evidence, table.rows)
