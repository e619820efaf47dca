"""From the runs of a judged step to pairs: what settles itself, what a judge said, how it agrees.

A side without a valid answer loses against one that has one; two that have none, or the same
one, are a tie. None of these takes a call, and none counts as agreement of the judge.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

from prompt_lab.config.lab import JudgeConfig
from prompt_lab.decide.pairs import Pair, RunCell
from prompt_lab.decide.verdict import Code, Reason, Verdict
from prompt_lab.evaluate.llm_judge import (
    UNSEEN,
    Agreement,
    JudgeChoice,
    agreement,
    judged_pair,
    may_decide,
)
from prompt_lab.names import Outcome, Side, count
from prompt_lab.records import VERSION, Record, RunRow

How = Literal["asked", "equal", "error"]


class Contest(NamedTuple):
    """Both sides' runs of one cell."""

    cell: RunCell
    baseline: RunRow
    candidate: RunRow

    @property
    def answers(self) -> str:
        """sha256 of both answers: a judgement holds for these and no others."""
        sides = [
            [s.record.valid, sorted(s.outputs.items())] for s in (self.baseline, self.candidate)
        ]
        return sha256(json.dumps(sides).encode()).hexdigest()


class Judgement(Record):
    """How one pair was settled."""

    model: str
    plan: str
    replicate: int
    answers: str
    """sha256 of both answers."""
    how: How
    """'asked': by the judge; else without a call: equal answers, or a side without a valid one."""
    old_first: JudgeChoice | None = None
    """What the judge said with the baseline's answer first; None where it made no choice."""
    new_first: JudgeChoice | None = None
    """What it said with the candidate's answer first."""
    gold: float | None = None
    """1, 0.5 or 0 by which side scores more; None where the plan has no gold."""
    pair: tuple[float | None, float | None]
    """The pair's two scores, as the trial reads them."""
    asked: tuple[str, ...] = ()
    """Keys of the judge's answers in history/judgements.jsonl: baseline first, candidate first."""

    @property
    def cell(self) -> RunCell:
        """The pair that was settled."""
        return RunCell(self.model, self.plan, self.replicate)


class JudgedLook(Record):
    """judged_<batch>_<look>.json: the pairs up to one look of a trial, or all (look 0)."""

    version: int = VERSION
    batch: str
    look: int
    judge: str
    content: str
    """sha256 of the answers that were compared, all together."""
    judgements: tuple[Judgement, ...]


PREFERENCE = "preference"
"""What a judge's choices measure: the share of pairs that a side wins, a tie counts half."""
NO_AGREEMENT = "is not shown to agree with gold"
"""By these words of a verdict its remedy finds that the judge is what has to be settled."""
Known = Mapping[tuple[RunCell, str], Judgement]
"""Judgements by cell and answers."""


def contests(rows: Iterable[RunRow]) -> list[Contest]:
    """The cells that have both runs, in order."""
    found: dict[RunCell, dict[Side, RunRow]] = {}
    for row in rows:
        r = row.record
        found.setdefault(RunCell(r.model, r.plan, r.replicate), {})[r.side] = row
    return [
        Contest(cell, sides[Side.BASELINE], sides[Side.CANDIDATE])
        for cell, sides in sorted(found.items())
        if len(sides) == len(Side)
    ]


def content_of(found: Sequence[Contest]) -> str:
    """sha256 over the answers of many contests."""
    return sha256(json.dumps([[*c.cell, c.answers] for c in found]).encode()).hexdigest()


def kind_of(contest: Contest) -> How:
    """Whether a pair needs the judge, or settles itself."""
    if not (contest.baseline.record.valid and contest.candidate.record.valid):
        return "error"
    return "equal" if contest.baseline.outputs == contest.candidate.outputs else "asked"


def judgement(
    contest: Contest, said: tuple[JudgeChoice | None, JudgeChoice | None] | None, primary: str
) -> Judgement:
    """A pair settled; `said` is what the judge said in both orders, None where it was not asked."""
    cell, how = contest.cell, kind_of(contest)
    old_first, new_first = said or (None, None)
    if how == "asked":
        pair = judged_pair(cell, old_first, new_first)
    else:
        valid = [s.record.valid for s in (contest.baseline, contest.candidate)]
        score = 0.5 + (valid[1] - valid[0]) / 2
        pair = Pair(*cell, 1.0 - score, score)
    return Judgement(
        **cell._asdict(),
        answers=contest.answers,
        how=how,
        old_first=old_first,
        new_first=new_first,
        gold=_gold(contest, primary),
        pair=(pair.baseline, pair.candidate),
    )


def known_of(judged: Iterable[JudgedLook]) -> Known:
    """All judgements of some files; where two hold the same pair, the later one."""
    return {(j.cell, j.answers): j for one in judged for j in one.judgements}


def judgements_on(rows: Iterable[RunRow], known: Known) -> list[Judgement]:
    """The judgements on the answers that these runs gave."""
    found = [known.get((contest.cell, contest.answers)) for contest in contests(rows)]
    return [one for one in found if one is not None]


def judged_pairs(rows: Iterable[RunRow], known: Known) -> list[Pair]:
    """The pairs that were judged; where the judge made no choice, both sides are missing."""
    return [Pair(*j.cell, *j.pair) for j in judgements_on(rows, known)]


def as_judged(rows: Iterable[RunRow], known: Known) -> list[RunRow]:
    """The rows as pages show them: the judge's preference in the place of their scores."""
    rows = list(rows)
    settled = {j.cell: j.pair for j in judgements_on(rows, known)}
    found = []
    for row in rows:
        r = row.record
        pair = settled.get(RunCell(r.model, r.plan, r.replicate), (None, None))
        score = pair[r.side is Side.CANDIDATE]
        value = 0.5 if score is None else score
        update = {"primary": value, "scores": {PREFERENCE: value}}
        found.append(row.model_copy(update={"record": r.model_copy(update=update)}))
    return found


def agreement_of(found: Iterable[Judgement]) -> Agreement:
    """Agreement with gold on the pairs that the judge was asked about; UNSEEN if none has gold."""
    choices, gold = [], []
    for one in found:
        if one.how == "asked" and one.gold is not None and one.old_first and one.new_first:
            choices.append((one.old_first, one.new_first))
            gold.append(one.gold)
    return agreement(choices, gold) if gold else UNSEEN


def shortfall(seen: Agreement, judge: JudgeConfig, *, sealed: bool = False) -> list[str]:
    """Why a YES of this judge may not stand, in at most one sentence.

    `sealed`: some of the pairs are of sealed plans, of which no figure may be shown.
    """
    if may_decide(seen, judge.least_pairs, judge.least_kappa):
        return []
    found = "no judged pair has gold"
    if seen.pairs:
        found = f"kappa {seen.kappa:.2f} on {_pairs(seen)} with gold"
    if sealed:
        found = "on train and sealed plans together"
    return [
        f"judge {judge.model!r} {NO_AGREEMENT} ({found}; it takes"
        f" {judge.least_pairs} such pairs and a kappa of {judge.least_kappa:g})"
    ]


def with_agreement(verdict: Verdict, seen: Agreement, judge: JudgeConfig) -> Verdict:
    """The verdict with the judge's agreement as its last note."""
    if verdict.outcome is Outcome.INVALID:
        return verdict
    text = f"Decided by judge {judge.model!r}, whose choices were compared with no gold."
    if seen.pairs:
        text = (
            f"Decided by judge {judge.model!r}: it agrees with gold on {seen.agreed:.0%} of"
            f" {_pairs(seen)} (kappa {seen.kappa:.2f}), and the order of the answers swayed it on"
            f" {seen.swayed:.0%}."
        )
    facts = {"judge": judge.model, **{k: f"{v:.6g}" for k, v in seen._asdict().items()}}
    note = Reason(code=Code.OTHER, text=text, facts=facts)
    return verdict.model_copy(update={"reasons": (*verdict.reasons, note)})


def _gold(contest: Contest, primary: str) -> float | None:
    old, new = (s.record.scores.get(primary) for s in (contest.baseline, contest.candidate))
    if old is None or new is None:
        return None
    return 0.5 if old == new else float(new > old)


def _pairs(seen: Agreement) -> str:
    return count(seen.pairs, "pair")
