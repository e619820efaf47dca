"""The public names of the engine; everything else in this room may change."""

from prompt_lab.decide.engine import decide
from prompt_lab.decide.evidence import Amounts, Evidence, Lengths, Validity
from prompt_lab.decide.pairs import Pair, RunCell
from prompt_lab.decide.policy import RULE, Policy
from prompt_lab.decide.reason_order import explain, failed_guards, reasons_in_order
from prompt_lab.decide.reasons import Code, Reason
from prompt_lab.decide.result import Flips, Guard, Interval, ModelRow, ReasonOrder, Verdict
from prompt_lab.decide.trial import Trial
from prompt_lab.names import Outcome

__all__ = [
    "RULE",
    "Amounts",
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
    "RunCell",
    "Trial",
    "Validity",
    "Verdict",
    "decide",
    "explain",
    "failed_guards",
    "reasons_in_order",
]
