"""Prompt Lab: improve prompts by paired trials. The names below are the public API (docs/api.md).

They are imported on first use: importing this package alone loads nothing else.
"""

from typing import TYPE_CHECKING

from prompt_lab.lazy import find_lazily

if TYPE_CHECKING:
    from prompt_lab.decide.verdict import (
        RULE,
        Amounts,
        Code,
        Evidence,
        Guard,
        Interval,
        Lengths,
        Outcome,
        Pair,
        Policy,
        Reason,
        RunCell,
        Trial,
        Validity,
        Verdict,
        explain,
    )
    from prompt_lab.decide.verdict import decide as decide_pairs
    from prompt_lab.errors import LabError
    from prompt_lab.experiments.lab_handle import IterationResult, LabHandle, Records, open_lab
    from prompt_lab.experiments.open_prompts import open_prompts as Prompts
    from prompt_lab.production.trace_writer import TraceWriter
    from prompt_lab.promptops.contract import PromptOps, open_promptops

__all__ = [
    "RULE",
    "Amounts",
    "Code",
    "Evidence",
    "Guard",
    "Interval",
    "IterationResult",
    "LabError",
    "LabHandle",
    "Lengths",
    "Outcome",
    "Pair",
    "Policy",
    "PromptOps",
    "Prompts",
    "Reason",
    "Records",
    "RunCell",
    "TraceWriter",
    "Trial",
    "Validity",
    "Verdict",
    "decide_pairs",
    "explain",
    "open_lab",
    "open_promptops",
]
__getattr__ = find_lazily(
    globals(),
    {
        "prompt_lab.decide.verdict": (
            "RULE Amounts Code Evidence Guard Interval Lengths Outcome Pair Policy Reason RunCell "
            "Trial Validity Verdict explain decide=decide_pairs"
        ),
        "prompt_lab.errors": "LabError",
        "prompt_lab.experiments.lab_handle": "IterationResult LabHandle Records open_lab",
        "prompt_lab.experiments.open_prompts": "open_prompts=Prompts",
        "prompt_lab.production.trace_writer": "TraceWriter",
        "prompt_lab.promptops.contract": "PromptOps open_promptops",
    },
)
"""`prompt_lab.decide` is a package, so that its function has another name here; `Prompts` makes
one of two readers."""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
