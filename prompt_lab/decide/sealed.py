"""What may be shown of a verdict while its plans are sealed: the outcome, no number of theirs.

A proposer that learned effect, interval or plans of a confirmation could tune on them over many
iterations; it learns YES or NO.
"""

from prompt_lab.decide.reasons import Code, Reason
from prompt_lab.decide.result import Flips, Guard, Verdict

PLAIN = {
    Code.BETTER: "The sealed plans confirm it.",
    Code.NO_HARM: "The sealed plans confirm it: a loss of more than the margin is excluded.",
    Code.SIMPLER: "The prompt is shorter, and the sealed plans exclude a loss of the margin.",
    Code.CHEAPER: "The runs cost less, and the sealed plans exclude a loss of the margin.",
    Code.WORSE: "The sealed plans show a loss.",
    Code.FUTILE: "The sealed plans do not confirm it.",
    Code.RAN_OUT: "The sealed plans do not confirm it, and they are used up.",
    Code.UNSEEN_LOSS: "The sealed plans are too few to exclude a rare, large loss.",
    Code.NO_SAVING: "The policy asks for a saving, and the runs do not show it.",
    Code.MODEL_WORSE: "A model is shown to lose more than the margin on the sealed plans.",
    Code.VALIDITY_LOWER: "Fewer answers are valid on the sealed plans.",
    Code.MISSING: "Too many pairs of the sealed plans lack a side.",
    Code.LATENCY: "The runs on the sealed plans are slower than the policy allows.",
    Code.COST: "The runs on the sealed plans cost more than the policy allows.",
    Code.SKEWED: "The sealed plans react unevenly.",
    Code.SMALL_GAIN: "The gain may be below the smallest effect worth having.",
    Code.NEEDS_PAIRS: "",
}
"""Findings about the sealed plans -> the sentence without a number; '': left out."""
HIDDEN = "Hidden while the verify plans are sealed."


def sealed_view(verdict: Verdict) -> Verdict:
    """The verdict without any number, model or plan count of the sealed plans.

    Outcome, reason codes and the state of each guard stay; numbers are those of the screening. A
    verdict of an earlier rule, or one that no sealed plan was asked for, is returned unchanged.
    Applied twice it changes nothing.
    """
    screening = verdict.screening
    if screening is None or verdict.fingerprint == screening.fingerprint:
        return verdict
    reasons = tuple(_plain(reason) for reason in verdict.reasons if PLAIN.get(reason.code) != "")
    return verdict.model_copy(
        update={
            "reasons": reasons,
            "effect": screening.effect,
            "interval": screening.interval,
            "claimed": None,
            "effect_size": None,
            "p_value": screening.p_value,
            "p_worse": None,
            "e_value": None,
            "visible": None,
            "n_plans": screening.n_plans,
            "n_pairs": screening.n_pairs,
            "n_missing": 0,
            "models": screening.models,
            "flips": Flips(),
            "guards": _sealed_guards(verdict.guards),
            "calls": 2 * screening.n_pairs,
            "calls_planned": 2 * screening.n_pairs,
            "look": 1,
            "looks": 1,
            "verify": None,
            "fingerprint": screening.fingerprint,
        }
    )


def _plain(reason: Reason) -> Reason:
    if reason.code in PLAIN:
        return Reason(code=reason.code, text=PLAIN[reason.code])
    return reason


def _sealed_guards(guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
    """One guard for all models, so that not even the model that failed is named."""
    models = [guard for guard in guards if guard.name.startswith("model ")]
    failed = [guard for guard in models if guard.state == "failed"]
    joined = [*failed[:1], *models[:1]][:1]
    rest = [guard for guard in guards if guard not in models]
    return tuple(
        guard.model_copy(
            update={
                "name": "models" if guard in joined else guard.name,
                "text": _plain(guard.reason).text if guard.reason else HIDDEN,
                "reason": _plain(guard.reason) if guard.reason else None,
                "numbers": {},
            }
        )
        for guard in (*joined, *rest)
    )
