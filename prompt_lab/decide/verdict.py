"""The public names of the engine; everything else in this room may change."""

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
