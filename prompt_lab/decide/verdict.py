"""The public names of the engine; everything else in this room may change.

They are imported on first use: a policy is read without what decides by it.
"""

from typing import TYPE_CHECKING

from prompt_lab.lazy import find_lazily

if TYPE_CHECKING:
    from prompt_lab.decide.chances import (
        Chance,
        ChanceTable,
        Recommendation,
        chances_of_yes,
        recommend,
    )
    from prompt_lab.decide.engine import decide
    from prompt_lab.decide.evidence import Amounts, Evidence, Lengths, Validity
    from prompt_lab.decide.pairs import Pair, RunCell
    from prompt_lab.decide.policy import RULE, Policy
    from prompt_lab.decide.reason_order import explain, failed_guards, reasons_in_order
    from prompt_lab.decide.reasons import Code, Reason
    from prompt_lab.decide.result import (
        Flips,
        Guard,
        Interval,
        ModelRow,
        ReasonOrder,
        Screening,
        Verdict,
    )
    from prompt_lab.decide.screening import (
        best_of,
        fewest_sealed_plans,
        needs_verify_plans,
        screen,
        screened_out,
    )
    from prompt_lab.decide.sealed import sealed_view
    from prompt_lab.decide.trial import Trial
    from prompt_lab.names import Outcome

__all__ = [
    "RULE",
    "Amounts",
    "Chance",
    "ChanceTable",
    "Code",
    "Evidence",
    "Flips",
    "Guard",
    "Interval",
    "Lengths",
    "ModelRow",
    "Outcome",
    "Pair",
    "Policy",
    "Reason",
    "ReasonOrder",
    "Recommendation",
    "RunCell",
    "Screening",
    "Trial",
    "Validity",
    "Verdict",
    "best_of",
    "chances_of_yes",
    "decide",
    "explain",
    "failed_guards",
    "fewest_sealed_plans",
    "needs_verify_plans",
    "reasons_in_order",
    "recommend",
    "screen",
    "screened_out",
    "sealed_view",
]
__getattr__ = find_lazily(
    globals(),
    {
        "prompt_lab.decide.chances": "Chance ChanceTable Recommendation chances_of_yes recommend",
        "prompt_lab.decide.engine": "decide",
        "prompt_lab.decide.evidence": "Amounts Evidence Lengths Validity",
        "prompt_lab.decide.pairs": "Pair RunCell",
        "prompt_lab.decide.policy": "RULE Policy",
        "prompt_lab.decide.reason_order": "explain failed_guards reasons_in_order",
        "prompt_lab.decide.reasons": "Code Reason",
        "prompt_lab.decide.result": "Flips Guard Interval ModelRow ReasonOrder Screening Verdict",
        "prompt_lab.decide.screening": (
            "best_of fewest_sealed_plans needs_verify_plans screen screened_out"
        ),
        "prompt_lab.decide.sealed": "sealed_view",
        "prompt_lab.decide.trial": "Trial",
        "prompt_lab.names": "Outcome",
    },
)
