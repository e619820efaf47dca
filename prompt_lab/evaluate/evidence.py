"""Whether the runs are evidence: each side ran its own commit, clean, and the change was in use.

Pure, and decided after the runs from what they recorded. A finding is a Reason of the decision
engine; `facts` holds side, expected, found, how many runs, and one run folder as an example.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.evaluate.normalize import normalize_volatile_text
from prompt_lab.names import Side, Status, count
from prompt_lab.records import RECORDED, RunRow

ABSENT = "no such file"
NEVER = "never loaded"
NOTHING_RAN = "nothing_ran"


@dataclass(frozen=True)
class SideFacts:
    """What a side's runs must have used: its commit, and what that commit holds."""

    commit: str
    blobs: Mapping[str, str] = field(default_factory=dict)
    """path -> git blob id at the commit, of every file that a run may use; '' or absent: none."""
    prompt_sha256: str = ""


class _Fault(NamedTuple):
    """One run that did not use what its side stands for."""

    code: Code
    what: str
    expected: str
    found: str


_REQUESTS = "the prompt in the requests that the gateway recorded (white space folded)"
_Rule = Callable[[RunRow, SideFacts], Iterable[_Fault]]


def examine(rows: Sequence[RunRow], wanted: Mapping[Side, SideFacts]) -> tuple[Reason, ...]:
    """Everything that voids the comparison, in a fixed order; () where the evidence holds.

    Runs are grouped: one finding for each code, side, file and pair of expected and found.
    """
    found = [reason for rule in _RULES for reason in _rule_violations(rule, rows, wanted)]
    found = _without_consequences(found)
    if all(side in wanted for side in Side):
        used = frozenset(path for row in rows for path in row.record.sent.files)
        sides = (wanted[Side.BASELINE], wanted[Side.CANDIDATE])
        same = not_exercised(*sides, used if rows else None)
        found += [same] if same else []
    return tuple(found)


def not_exercised(
    baseline: SideFacts, candidate: SideFacts, used: Iterable[str] | None = None
) -> Reason | None:
    """The finding that no file in use differs between the sides, nor the prompt.

    Before the runs the files of both facts count as used.
    """
    paths = sorted({*baseline.blobs, *candidate.blobs} if used is None else set(used))
    differ = any(_blob(baseline, path) != _blob(candidate, path) for path in paths)
    if differ or baseline.prompt_sha256 != candidate.prompt_sha256:
        return None
    return Reason(
        code=Code.NOT_EXERCISED,
        text=f"The change was not exercised: none of {count(len(paths), 'file')} in use differs "
        f"between {baseline.commit[:12]!r} and {candidate.commit[:12]!r}.",
        facts={
            "baseline": baseline.commit,
            "candidate": candidate.commit,
            "files": ", ".join(paths),
        },
    )


def no_observable_effect(rows: Sequence[RunRow]) -> Reason | None:
    """A warning, not a fault: every pair gave the same outputs. None where any pair differs.

    Ids, times and durations in them do not count.
    """
    pairs: dict[tuple[str, ...], dict[Side, RunRow]] = {}
    for row in rows:
        r = row.record
        pairs.setdefault((r.split, r.model, r.plan, str(r.replicate)), {})[r.side] = row
    whole = [pair for pair in pairs.values() if len(pair) == len(Side)]
    if not whole or any(_answer(p[Side.BASELINE]) != _answer(p[Side.CANDIDATE]) for p in whole):
        return None
    return Reason(
        code=Code.NO_EFFECT,
        text="No observable effect: the outputs of both sides are the same in all of "
        f"{count(len(whole), 'pair')}.",
        facts={"pairs": str(len(whole))},
    )


def recorded_answers_warning(rows: Sequence[RunRow]) -> Reason | None:
    """A warning that answers were given by who asked and not by what was asked, if so."""
    count = sum(row.record.is_recorded for row in rows)
    if not count:
        return None
    return Reason(
        code=Code.RECORDED,
        text=f"{RECORDED.capitalize()}: in {count} of {len(rows)} runs they were given by model, "
        "plan, side and call, whatever was asked. They are no evidence for these prompts.",
        facts={"runs": f"{count} of {len(rows)}"},
    )


def nothing_ran(rows: Sequence[RunRow]) -> Reason | None:
    """The finding that a side has no run at all, so that nothing can be compared: a CRASH."""
    counts = Counter(row.record.side for row in rows)
    if all(counts[side] for side in Side):
        return None
    runs_by_side = " and ".join(f"{counts[side]} on the {side.value} side" for side in Side)
    return Reason(
        code=Code.OTHER,
        text=f"Nothing could be compared: {runs_by_side} were run.",
        facts={"finding": NOTHING_RAN, **{side.value: str(counts[side]) for side in Side}},
    )


def _without_consequences(found: Sequence[Reason]) -> list[Reason]:
    """The findings without the wrong prompt of a side whose modules came from elsewhere."""
    shadowed = {
        reason.facts["side"]
        for reason in found
        if reason.code is Code.SHADOWED_IMPORT and reason.facts["found"] != NEVER
    }
    return [
        reason
        for reason in found
        if reason.code is not Code.PROMPT_MISMATCH or reason.facts["side"] not in shadowed
    ]


def _rule_violations(
    rule: _Rule, rows: Sequence[RunRow], wanted: Mapping[Side, SideFacts]
) -> Iterable[Reason]:
    for side, facts in sorted(wanted.items()):
        ours = [row for row in rows if row.record.side is side]
        groups: dict[_Fault, list[RunRow]] = {}
        for row in ours:
            for fault in rule(row, facts):
                groups.setdefault(fault, []).append(row)
        for fault, hit in sorted(groups.items()):
            yield _reason(fault, side, hit, len(ours))


def _reason(fault: _Fault, side: Side, hit: Sequence[RunRow], total: int) -> Reason:
    example = min(row.path for row in hit)
    return Reason(
        code=fault.code,
        text=f"{len(hit)} of {total} {side.value} runs: {fault.what} was {fault.found!r}, "
        f"expected {fault.expected!r} (for example {example}).",
        facts={
            "side": side.value,
            "what": fault.what,
            "expected": fault.expected,
            "found": fault.found,
            "runs": f"{len(hit)} of {total}",
            "example": example,
        },
    )


def _commit(row: RunRow, facts: SideFacts) -> Iterable[_Fault]:
    sent = row.record.sent
    # A reused run was made at an older commit: what it shares with ours are the files' contents.
    expected = sent.wanted_commit if row.reused else facts.commit
    for commit in {sent.head, sent.wanted_commit} - {expected}:
        yield _Fault(Code.WRONG_COMMIT, "the commit", expected, commit)


def _tree(row: RunRow, _: SideFacts) -> Iterable[_Fault]:
    if not row.record.sent.tree_clean:
        yield _Fault(Code.DIRTY_TREE, "the worktree", "clean", "uncommitted changes")


def _files(row: RunRow, facts: SideFacts) -> Iterable[_Fault]:
    for path, blob in row.record.sent.files.items():
        if blob != _blob(facts, path):
            yield _Fault(Code.BLOB_MISMATCH, path, _blob(facts, path) or ABSENT, blob or ABSENT)


def _prompt(row: RunRow, facts: SideFacts) -> Iterable[_Fault]:
    check = row.record.sent.prompt_check
    if check is not None and check.rule == "requests":
        if not check.holds:
            found = "the other side's" if check.other else "in none"
            yield _Fault(Code.PROMPT_MISMATCH, _REQUESTS, "the commit's", found)
        return
    sent = row.record.sent.prompt_sha256
    # A step in a process of its own may name no prompt: then its files alone are the evidence.
    unknown = row.record.status is Status.ERROR or row.record.process is not None
    nothing_sent = not sent and unknown
    if sent != facts.prompt_sha256 and not nothing_sent:
        yield _Fault(Code.PROMPT_MISMATCH, "the prompt's sha256", facts.prompt_sha256, sent)


def _imports(row: RunRow, _: SideFacts) -> Iterable[_Fault]:
    """One fault for all modules of a run that came from elsewhere: they have one cause."""
    elsewhere = row.record.process.elsewhere if row.record.process else {}
    shadowed = {module: file for module, file in elsewhere.items() if file}
    if shadowed:
        module, file = min(shadowed.items())
        names = f"module {module}" + (f" and {len(shadowed) - 1} more" * (len(shadowed) > 1))
        yield _Fault(Code.SHADOWED_IMPORT, names, "the worktree's", file)
    # A run that failed may have ended before it would have loaded the package.
    if row.record.status is Status.OK:
        for module in sorted(elsewhere.keys() - shadowed.keys()):
            yield _Fault(Code.SHADOWED_IMPORT, f"module {module}", "the worktree's", NEVER)


_RULES: tuple[_Rule, ...] = (_imports, _commit, _tree, _files, _prompt)
"""The cause first: a module from elsewhere explains other files and another prompt."""


def _blob(facts: SideFacts, path: str) -> str:
    return facts.blobs.get(path, "")


def _answer(row: RunRow) -> tuple[Mapping[str, str], str]:
    error = row.record.error
    texts = {name: normalize_volatile_text(text) for name, text in row.outputs.items()}
    return texts, error.kind if error else ""
