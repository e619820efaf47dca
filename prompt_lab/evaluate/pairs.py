"""From rows of runs to what the decision engine reads: pairs, and the evidence of its guards."""

from collections.abc import Iterable, Mapping, Sequence

from prompt_lab.decide.verdict import Amounts, Evidence, Lengths, Pair, Reason, Validity
from prompt_lab.names import Side
from prompt_lab.records import PromptVersion, RunRow


def pairs_of(rows: Iterable[RunRow]) -> list[Pair]:
    """One pair for each (model, plan, replicate); a side without a finished run is missing."""
    found: dict[tuple[str, str, int], dict[Side, float]] = {}
    for row in rows:
        r = row.record
        found.setdefault((r.model, r.plan, r.replicate), {})[r.side] = r.primary
    return [
        Pair(*cell, sides.get(Side.BASELINE), sides.get(Side.CANDIDATE))
        for cell, sides in sorted(found.items())
    ]


def whole_pairs(rows: Iterable[RunRow]) -> list[Pair]:
    """The pairs that have both sides."""
    return [p for p in pairs_of(rows) if p.baseline is not None and p.candidate is not None]


def paired_rows(rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows whose run has the other side too; all where no run has.

    Means of both sides that are shown side by side are over the same pairs: a side that has lost
    its hard plans would look better.
    """
    sides: dict[tuple[str, str, str, int], set[Side]] = {}
    for row in rows:
        sides.setdefault(_cell_of(row), set()).add(row.record.side)
    whole = [row for row in rows if len(sides[_cell_of(row)]) == len(Side)]
    return whole or list(rows)


def count_lost_pairs(rows: Sequence[RunRow]) -> int:
    """How many pairs lack a side, where any pair has both."""
    cells = {_cell_of(row) for row in rows}
    whole = {_cell_of(row) for row in paired_rows(rows)}
    return len(cells - whole)


def _cell_of(row: RunRow) -> tuple[str, str, str, int]:
    r = row.record
    return (r.split, r.model, r.plan, r.replicate)


def repeat_pairs(pairs: Iterable[Pair], replicates: Mapping[str, int]) -> list[Pair]:
    """The pairs, those of a model with fewer `replicates` than the others once for each of theirs.

    A deterministic model is asked once: asked again it would say the same.

    >>> [pair.replicate for pair in repeat_pairs([Pair("a", "p", 0, 0.0, 1.0)], {"a": 1, "b": 3})]
    [0, 1, 2]
    """
    most, found = max(replicates.values(), default=1), []
    for pair in pairs:
        found.append(pair)
        if pair.replicate == 0:
            again = range(replicates.get(pair.model, most), most)
            found += [pair._replace(replicate=number) for number in again]
    return found


def is_binary(rows: Iterable[RunRow]) -> bool:
    """Whether there are rows, and every primary score is 0 or 1."""
    scores = {row.record.primary for row in rows}
    return bool(scores) and scores <= {0.0, 1.0}


def lengths_of(prompts: tuple[PromptVersion, PromptVersion]) -> Lengths:
    """Characters of the prompt before and after."""
    return Lengths(baseline=len(prompts[0].text), candidate=len(prompts[1].text))


def valid_by_plan(rows: Iterable[RunRow]) -> tuple[float, ...]:
    """Per plan the candidate's share of valid answers less the baseline's, by the plans' names.

    Over models and replicates; plans that lack a side are left out.
    """
    found: dict[str, dict[Side, list[bool]]] = {}
    for row in rows:
        r = row.record
        found.setdefault(r.plan, {}).setdefault(r.side, []).append(r.valid)
    shares = [
        {side: sum(valid) / len(valid) for side, valid in found[plan].items()}
        for plan in sorted(found)
    ]
    whole = [of for of in shares if len(of) == len(Side)]
    return tuple(of[Side.CANDIDATE] - of[Side.BASELINE] for of in whole)


def evidence_of(
    rows: Sequence[RunRow],
    findings: Sequence[Reason],
    *,
    prompts: tuple[PromptVersion, PromptVersion],
    verify: Sequence[Pair] | None = None,
    violations: Sequence[str] = (),
    remarks: Sequence[Reason] = (),
) -> Evidence:
    """What the guards look at. `verify` is None as long as the verify plans are unread.

    Runs that lack the other side count in the pairs alone. `violations` are sentences that keep a
    YES from standing.
    """
    rows = paired_rows(rows)
    by_side = {side: [row.record for row in rows if row.record.side is side] for side in Side}
    base, cand = by_side[Side.BASELINE], by_side[Side.CANDIDATE]
    paid = any(r.usage.cost_usd for r in [*base, *cand])
    return Evidence(
        provenance=tuple(findings),
        violations=tuple(violations),
        remarks=tuple(remarks),
        validity=Validity(
            baseline_valid=sum(r.valid for r in base),
            baseline_total=len(base),
            candidate_valid=sum(r.valid for r in cand),
            candidate_total=len(cand),
            by_plan=valid_by_plan(rows),
        ),
        latency=Amounts(
            baseline=tuple(r.duration_seconds for r in base),
            candidate=tuple(r.duration_seconds for r in cand),
        ),
        cost=Amounts(
            baseline=tuple(r.usage.cost_usd for r in base),
            candidate=tuple(r.usage.cost_usd for r in cand),
        )
        if paid
        else None,
        lengths=lengths_of(prompts),
        verify_pairs=None if verify is None else tuple(verify),
    )
