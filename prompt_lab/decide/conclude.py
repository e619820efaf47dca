"""Put a verdict together: what the pairs show, then the guards, then the outcome."""

import numpy as np

from prompt_lab.decide.effect import TestResult
from prompt_lab.decide.evidence import Evidence
from prompt_lab.decide.guard_models import guard_models, model_rows
from prompt_lab.decide.guard_sides import guard_sides
from prompt_lab.decide.guard_verify import guard_verify
from prompt_lab.decide.limits import deviation
from prompt_lab.decide.margin import losses_of
from prompt_lab.decide.notes import price, skewed, visible_gain
from prompt_lab.decide.outcome import Decision, lowered, mean_of, negative, positive, small_gain
from prompt_lab.decide.pairs import Floats, ScoreTable
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reason_order import FAILED_GUARDS_FIRST, order_guards, order_reasons
from prompt_lab.decide.reasons import Code, Reason
from prompt_lab.decide.result import (
    Flips,
    Guard,
    Interval,
    ReasonOrder,
    Verdict,
    VerifyResult,
)
from prompt_lab.decide.simpler import simpler
from prompt_lab.names import Outcome

NO_PAIRS = Reason(code=Code.NO_PAIRS, text="Not one pair has both sides: nothing was compared.")


def conclude(
    table: ScoreTable,
    finding: TestResult,
    policy: Policy,
    evidence: Evidence,
    planned: int,
    *,
    order: ReasonOrder = FAILED_GUARDS_FIRST,
) -> Verdict:
    """The verdict on these pairs. `planned` is the number of cells that a whole trial has.

    `order` is that of the recorded verdict where an older one is computed again.
    """
    means = table.means[np.isfinite(table.means)]
    rows = model_rows(table, policy)
    guards = (*guard_models(rows, policy), *guard_sides(table, policy, evidence))
    ruling, guards, read, asks = _rule(table, finding, policy, evidence, guards)
    reasons = ruling.reasons
    if order == FAILED_GUARDS_FIRST:
        reasons = order_reasons(ruling.outcome, reasons, guards, policy.alpha)
        guards = order_guards(guards)
    effect = mean_of(means, policy) if len(means) else None
    spread = deviation(means)
    return Verdict(
        outcome=ruling.outcome,
        reasons=(*reasons, *evidence.remarks),
        reason_order=order,
        needs_verify=asks,
        effect=effect,
        interval=Interval(low=finding.interval.low, high=finding.interval.high),
        claimed=finding.claimed,
        effect_size=effect / spread if effect is not None and spread > 0 else None,
        p_value=finding.p_better,
        p_worse=finding.p_worse,
        e_value=finding.e_value,
        visible=visible_gain(means, finding.level, policy),
        n_plans=len(means),
        n_pairs=table.pair_count,
        n_missing=table.rows - table.pair_count,
        models=rows,
        flips=_flips(table.differences),
        guards=guards,
        calls=table.runs,
        calls_planned=2 * planned,
        look=finding.look,
        looks=finding.looks,
        alpha=policy.alpha,
        method=finding.method,
        verify=read,
        screening=evidence.screening,
        seed=policy.seed,
        rule_version=policy.rule_version,
        fingerprint=table.fingerprint,
    )


def _rule(
    table: ScoreTable,
    finding: TestResult,
    policy: Policy,
    evidence: Evidence,
    guards: tuple[Guard, ...],
) -> tuple[Decision, tuple[Guard, ...], VerifyResult | None, bool]:
    """The ruling, all guards, the verify numbers, and whether the verify plans are asked for."""
    means = table.means[np.isfinite(table.means)]
    if evidence.provenance:
        return Decision(Outcome.INVALID, evidence.provenance), guards, None, False
    if not len(means):
        return Decision(Outcome.INVALID, (NO_PAIRS,)), guards, None, False
    effect, short = mean_of(means, policy), simpler(table, policy, evidence.lengths)
    yes = positive(effect, len(means), finding, short, policy)
    notes = (
        small_gain(finding, policy),
        skewed(means, policy),
        None if short.shown else short.note,
    )
    remarks = tuple(note for note in notes if note)
    if yes is None:
        ruling = negative(means, finding, policy, losses_of(table, policy))
        remarks = (price(table, finding, policy, evidence), *remarks)
        return Decision(ruling.outcome, (*ruling.reasons, *remarks)), guards, None, False
    gate, read = guard_verify(evidence.verify_pairs, policy, yes.code == Code.SIMPLER)
    rest_holds = all(guard.reason is None for guard in guards)
    asks = rest_holds and gate.state == "not shown"
    if not rest_holds and gate.state == "not shown":
        gate = gate.model_copy(update={"reason": None, "text": "Not read: another guard failed."})
    ruling = lowered(yes, (*guards, gate))
    return Decision(ruling.outcome, (*ruling.reasons, *remarks)), (*guards, gate), read, asks


def _flips(differences: Floats) -> Flips:
    return Flips(
        won=int((differences > 0).sum()),
        lost=int((differences < 0).sum()),
        tied=int((differences == 0).sum()),
    )
