"""A judge compares two answers where there is no gold: both orders, ties allowed, checked first.

Each pair of answers is shown twice with the places swapped. Only a choice that survives the swap
counts; disagreement is a tie. Before a judge may decide, its agreement with gold is reported.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.pair import RunCell, Pair
from prompt_lab.errors import LabError


class JudgeChoice(StrEnum):
    """What the judge said about two answers by their places."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"


class Shown(NamedTuple):
    """Two answers in the order in which the judge sees them."""

    first: str
    second: str
    candidate_first: bool


class Agreement(NamedTuple):
    """How a judge's scores compare with gold on the same pairs; the shares are 0 without pairs."""

    pairs: int
    agreed: float  # share of pairs with the same winner, or both tied
    kappa: float  # agreement beyond chance, at most 1
    swayed: float  # share of pairs on which the two orders disagreed


UNSEEN = Agreement(0, 0.0, 0.0, 0.0)
"""Of a judge that was never compared with gold."""


def orders(baseline: str, candidate: str) -> tuple[Shown, Shown]:
    """The two ways to show a pair."""
    return Shown(baseline, candidate, False), Shown(candidate, baseline, True)


def parse(answer: str) -> JudgeChoice | None:
    """The choice in a judge's answer; None where it makes none or more than one.

    >>> parse("Both are fine. Verdict: tie"), parse("verdict: SECOND"), parse("Hm.")
    (<Choice.TIE: 'tie'>, <Choice.SECOND: 'second'>, None)
    """
    found = {
        m.lower() for m in re.findall(r"verdict\W+(first|second|tie)\b", answer, re.IGNORECASE)
    }
    return JudgeChoice(found.pop()) if len(found) == 1 else None


def preference(old_first: JudgeChoice, new_first: JudgeChoice) -> float:
    """1 if the candidate wins in both orders, 0 if it loses in both, else 0.5."""
    if (old_first, new_first) == (JudgeChoice.SECOND, JudgeChoice.FIRST):
        return 1.0
    return 0.0 if (old_first, new_first) == (JudgeChoice.FIRST, JudgeChoice.SECOND) else 0.5


def judged_pair(cell: RunCell, old_first: JudgeChoice | None, new_first: JudgeChoice | None) -> Pair:
    """A pair for the trial: 1 and 0 for a win, a half each for a tie, missing if one is missing."""
    if old_first is None or new_first is None:
        return Pair(*cell, None, None)
    score = preference(old_first, new_first)
    return Pair(*cell, 1.0 - score, score)


def agreement(choices: Sequence[tuple[JudgeChoice, JudgeChoice]], gold: Sequence[float]) -> Agreement:
    """Agreement of (old first, new first) choices with gold preferences (1, 0.5 or 0).

    Chance counts a win of either side as equally likely: the judge sees every pair both ways round
    and cannot tell the sides apart, so a candidate that always wins makes no agreement lucky.
    Raises ValueError where the two differ in length or are empty.
    """
    if len(choices) != len(gold) or not gold:
        raise ValueError(f"{len(choices)} choices cannot be compared with {len(gold)} gold labels")
    scores = [preference(*choice) for choice in choices]
    agreed = sum(a == b for a, b in zip(scores, gold, strict=True)) / len(gold)
    tied, gold_tied = scores.count(0.5) / len(gold), list(gold).count(0.5) / len(gold)
    chance = tied * gold_tied + (1 - tied) * (1 - gold_tied) / 2
    swapped = {JudgeChoice.FIRST: JudgeChoice.SECOND, JudgeChoice.SECOND: JudgeChoice.FIRST, JudgeChoice.TIE: JudgeChoice.TIE}
    swayed = sum(swapped[a] != b for a, b in choices) / len(gold)
    return Agreement(len(gold), agreed, _beyond(agreed, chance), swayed)


def may_decide(seen: Agreement, least_pairs: int = 30, least_kappa: float = 0.4) -> bool:
    """Whether a judge agrees with gold well enough, on enough pairs, to score a trial.

    >>> may_decide(UNSEEN), may_decide(UNSEEN, least_pairs=0)
    (False, True)
    """
    return seen.pairs >= least_pairs and (seen.pairs == 0 or seen.kappa >= least_kappa)


def check_independent(judge: ModelConfig, judged: Iterable[ModelConfig]) -> None:
    """Raise LabError where a model would judge its own answers, under whatever alias or setting."""
    for model in judged:
        same = (model.provider, model.id, model.base_url) == (
            judge.provider,
            judge.id,
            judge.base_url,
        )
        if model.alias == judge.alias or same:
            known = "" if model.alias == judge.alias else f" (as {model.alias!r}: {model.id})"
            raise LabError(
                f"Judge {judge.alias!r} is one of the models that it would judge{known}. Name "
                "another judge, or allow it with 'allow_self: true' in the step's judge block."
            )


def _beyond(agreed: float, chance: float) -> float:
    """Cohen's kappa; where nothing but ties could be seen on both sides, nothing was shown."""
    return 0.0 if chance >= 1 else (agreed - chance) / (1 - chance)
