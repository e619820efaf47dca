"""Tests that were in a file and are no longer: named as the common test frameworks name them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from prompt_lab.decide.verdict import Code, Reason, Verdict, reasons_in_order
from prompt_lab.evaluate.judged import NO_AGREEMENT
from prompt_lab.names import Outcome, Split
from prompt_lab.propose.model import Material, Strategy
from prompt_lab.records import RECORDED


class Remedy(NamedTuple):
    """A fix in a sentence. Without strategies and without a rerun it takes a person or an agent."""

    text: str
    strategies: tuple[str, ...] = ()
    rerun: bool = False
    """The same commit is tested again, with the runs that lack a side."""
    more: Split | None = None
    """The same commit is tested again, on more plans of this split."""


_FEWER_WORDS = "Say the same in fewer words."
_MORE_VERIFY = Remedy("Add verify plans, and test the same commit again.", more=Split.VERIFY)
REMEDIES = {
    Code.VALIDITY_LOWER: Remedy(
        "State the form of the answer, so that as many answers are valid as before.",
        ("state_contract",),
    ),
    Code.MODEL_WORSE: Remedy(
        "Say it so that {models} can follow it too: as a contract, or in fewer words.",
        ("state_contract", "compress"),
    ),
    Code.LATENCY: Remedy(_FEWER_WORDS, ("compress",)),
    Code.COST: Remedy(_FEWER_WORDS, ("compress",)),
    Code.MISSING: Remedy("Make the runs that lack a side.", rerun=True),
    Code.VIOLATION: Remedy("Fix what breaks the rule, in a commit on the same branch."),
    Code.RAN_OUT: Remedy("Add train plans, and test the same commit again.", more=Split.TRAIN),
    Code.TOO_FEW_PLANS: Remedy(
        "Add train plans, and test the same commit again.", more=Split.TRAIN
    ),
    Code.VERIFY_NOT_SHOWN: _MORE_VERIFY,
    Code.NEEDS_VERIFY_PLANS: _MORE_VERIFY,
    Code.UNSEEN_LOSS: _MORE_VERIFY,
}
_OF_THE_COMPARISON = (
    Code.RAN_OUT,
    Code.TOO_FEW_PLANS,
    Code.NEEDS_VERIFY_PLANS,
    Code.UNSEEN_LOSS,
)
"""The codes whose fix is more of the plans that decide. Other codes above are those of guards."""
_JUDGE = Remedy(
    "Give more of the compared answers gold, until the agreement of the judge with it is shown, or"
    " choose another judge.",
    more=Split.TRAIN,
)
_RECORDED = Remedy("Run it with models that answer now, instead of recorded answers.")


def remedy(verdict: Verdict) -> Remedy | None:
    """The fix that a CONDITIONAL verdict names; None for any other verdict.

    Where guards failed it is the fix of all of them, and more plans only where so few can show
    nothing: a trend that goes on does not make a guard hold. More plans are those that decide: the
    sealed ones where a screening came first.
    """
    if verdict.outcome is not Outcome.CONDITIONAL:
        return None
    found = [reason for reason in reasons_in_order(verdict) if reason.code in REMEDIES]
    failed = [reason for reason in found if reason.code not in _OF_THE_COMPARISON]
    deciding = Split.TRAIN if verdict.screening is None else Split.VERIFY
    if not failed:
        fix = REMEDIES[found[0].code] if found else None
        return _MORE_VERIFY if fix and fix.more and deciding is Split.VERIFY else fix
    fixes = dict.fromkeys(fix for reason in failed for fix in _fixes(reason, failed))
    few = any(r.code in (Code.TOO_FEW_PLANS, Code.NEEDS_VERIFY_PLANS) for r in found)
    return _combine(tuple(fixes), deciding if few else None)


def _fixes(reason: Reason, failed: Sequence[Reason]) -> Iterator[Remedy]:
    """What makes the guard of this reason hold."""
    fix = REMEDIES[reason.code]
    if reason.code is Code.MODEL_WORSE:
        names = [r.facts["model"] for r in failed if r.code is reason.code and "model" in r.facts]
        models = " and ".join(map(repr, names)) or "the model that loses"
        yield fix._replace(text=fix.text.format(models=models))
    elif reason.code is Code.VIOLATION:
        known = [(NO_AGREEMENT, _JUDGE), (RECORDED.capitalize(), _RECORDED)]
        causes = [cause for phrase, cause in known if phrase in reason.text]
        yield from causes
        if float(reason.facts.get("violations", 1)) > len(causes):
            yield fix
    else:
        yield fix


def _combine(fixes: tuple[Remedy, ...], too_few: Split | None) -> Remedy:
    """One remedy for several. The same commit is tested again only if no fix changes it."""
    same_commit = all(fix.rerun or fix.more for fix in fixes)
    texts = [*(fix.text for fix in fixes), *([f"Add {too_few} plans."] if too_few else [])]
    more = [fix.more for fix in fixes if fix.more] + ([too_few] if too_few else [])
    return Remedy(
        text=" Also: ".join(dict.fromkeys(texts)),
        strategies=tuple(dict.fromkeys(name for fix in fixes for name in fix.strategies)),
        rerun=same_commit and any(fix.rerun for fix in fixes),
        more=more[0] if same_commit and more else None,
    )


def mender(
    fix: Remedy,
    material: Material,
    table: Mapping[str, Strategy],
    tried: Collection[str] = (),
) -> Strategy | None:
    """The first strategy of a fix that applies to the branch's prompt and was not tried on it."""
    return next(
        (
            table[name]
            for name in fix.strategies
            if name in table and name not in tried and table[name].applies(material) is None
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
