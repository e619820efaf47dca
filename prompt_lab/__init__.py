"""Prompt Lab: improve prompts by paired trials. The names below are the public API (docs/api.md).

They are imported on first use: importing this package alone loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
]
_LAB = dict.fromkeys(
    ("IterationResult", "LabHandle", "Records", "open_lab"), "prompt_lab.experiments.lab_handle"
)
_MODULES = {
    "LabError": "prompt_lab.errors",
    "Prompts": "prompt_lab.experiments.open_prompts",
    "TraceWriter": "prompt_lab.production.trace_writer",
    **_LAB,
}
"""Public name -> its module; all others are in prompt_lab.decide.verdict."""
_NAMES = {"decide_pairs": "decide", "Prompts": "open_prompts"}
"""`prompt_lab.decide` is a package, so that its function has another name here; `Prompts` makes
one of two readers."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_MODULES.get(name, "prompt_lab.decide.verdict"))
    value = globals()[name] = getattr(module, _NAMES.get(name, name))
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
