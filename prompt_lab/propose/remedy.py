"""Tests that were in a file and are no longer: named as the common test frameworks name them."""

import re
from collections.abc import Collection
from typing import NamedTuple

from prompt_lab.decide.verdict import Code, Verdict
from prompt_lab.names import Outcome, Split
from prompt_lab.propose.choose import strategies
from prompt_lab.propose.model import Material, Strategy


class Remedy(NamedTuple):
    """A fix in a sentence. Without strategies and without a rerun it takes a person or an agent."""

    text: str
    strategies: tuple[str, ...] = ()
    rerun: bool = False
    """The same commit is tested again, with the runs that lack a side."""
    more: Split | None = None
    """The same commit is tested again, on more plans of this split."""


_FEWER_WORDS = "Say the same in fewer words."
REMEDIES = {
    Code.VALIDITY_LOWER: Remedy(
        "State the form of the answer, so that as many answers are valid as before.",
        ("state_contract",),
    ),
    Code.MODEL_WORSE: Remedy(
        "Say it so that the model that loses can follow it too: as a contract, or in fewer words.",
        ("state_contract", "compress"),
    ),
    Code.LATENCY: Remedy(_FEWER_WORDS, ("compress",)),
    Code.COST: Remedy(_FEWER_WORDS, ("compress",)),
    Code.MISSING: Remedy("Make the runs that lack a side.", rerun=True),
    Code.VIOLATION: Remedy("Mend what breaks the rule, in a commit on the same branch."),
    Code.RAN_OUT: Remedy("Add train plans, and test the same commit again.", more=Split.TRAIN),
    Code.TOO_FEW_PLANS: Remedy(
        "Add train plans, and test the same commit again.", more=Split.TRAIN
    ),
    Code.VERIFY_NOT_SHOWN: Remedy(
        "Add verify plans, and test the same commit again.", more=Split.VERIFY
    ),
}


def remedy(verdict: Verdict) -> Remedy | None:
    """The fix that a CONDITIONAL verdict names; None for any other verdict."""
    if verdict.outcome is not Outcome.CONDITIONAL:
        return None
    codes = [reason.code for reason in verdict.reasons]
    return next((REMEDIES[code] for code in codes if code in REMEDIES), None)


def mender(fix: Remedy, material: Material, tried: Collection[str] = ()) -> Strategy | None:
    """The first strategy of a fix that applies to the branch's prompt and was not tried on it."""
    table = strategies()
    return next(
        (
            table[name]
            for name in fix.strategies
            if name not in tried and table[name].applies(material) is None
        ),
        None,
    )


_NAMES = re.compile(
    r"""^\s*(?:async\s+)?def\s+(test\w*)          # pytest, unittest
    |^\s*class\s+(Test\w*)
    |^\s*func\s+(?:\([^)]*\)\s*)?(Test\w+)        # Go
    |^\s*(?:it|test)(?:\.\w+)?\(\s*["'`](.+?)["'`]  # Jest, Vitest, Mocha
    |\#\[(?:\w+::)?test\][^{]*?fn\s+(\w+)         # Rust
    """,
    re.MULTILINE | re.VERBOSE,
)


def lost_tests(before: str, after: str) -> tuple[str, ...]:
    r"""Names of tests in `before` that `after` lacks; a commented-out test is lost.

    >>> lost_tests("def test_a():\n  x\ndef test_b():\n  y", "def test_b():\n  y\n# def test_a():")
    ('test_a',)
    """
    kept = _names(after)
    return tuple(name for name in dict.fromkeys(_names(before)) if name not in kept)


def _names(text: str) -> list[str]:
    return [next(filter(None, found.groups())) for found in _NAMES.finditer(text)]
