"""What a judge is asked: its template rendered for one pair, and the key of the request.

Inputs and answers are data. They are never read as a template, and each is in a fence whose
sign is made from all of them, so that none can hold it: no text can end its own fence.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.pairs import Pair, RunCell
from prompt_lab.errors import ConfigError, LabError
from prompt_lab.ports import Request
from prompt_lab.prompts.text import split


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
    (<JudgeChoice.TIE: 'tie'>, <JudgeChoice.SECOND: 'second'>, None)
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


def judged_pair(
    cell: RunCell, old_first: JudgeChoice | None, new_first: JudgeChoice | None
) -> Pair:
    """A pair for the trial: 1 and 0 for a win, a half each for a tie, missing if one is missing."""
    if old_first is None or new_first is None:
        return Pair(*cell, None, None)
    score = preference(old_first, new_first)
    return Pair(*cell, 1.0 - score, score)


def agreement(
    choices: Sequence[tuple[JudgeChoice, JudgeChoice]], gold: Sequence[float]
) -> Agreement:
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
    swapped = {
        JudgeChoice.FIRST: JudgeChoice.SECOND,
        JudgeChoice.SECOND: JudgeChoice.FIRST,
        JudgeChoice.TIE: JudgeChoice.TIE,
    }
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


NAMES = "criteria, inputs, first, second, mark"
_SAMPLES = {name: f"<the {name}>" for name in ("criteria", "input", "first", "second")}


@dataclass(frozen=True)
class JudgePrompt:
    """A judge's template with all that is the same for every pair."""

    template: str
    criteria: str
    max_tokens: int = 512

    def render(self, inputs: Mapping[str, str], shown: Shown, seed: int | None = None) -> Request:
        """The request for one pair in one order. `inputs` is file name -> text."""
        texts = [*inputs.values(), shown.first, shown.second]
        values = {
            "criteria": self.criteria,
            "inputs": [(name, text.strip("\n")) for name, text in inputs.items()],
            "first": shown.first.strip("\n"),
            "second": shown.second.strip("\n"),
            "mark": mark_of([self.criteria, *inputs, *texts]),
        }
        system, user = (part.render(values).strip() for part in _compiled(self.template))
        return Request(system, user, None, self.max_tokens, seed)


def mark_of(texts: Sequence[str]) -> str:
    """A sign that none of the texts holds, the same for the same texts.

    >>> mark_of(["a", "b"]) == mark_of(["a", "b"]) != mark_of(["a", "c"])
    True
    """
    mark = sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]
    while any(mark in text for text in texts):
        mark = sha256(mark.encode()).hexdigest()[:16]
    return mark


def request_key(judge: ModelConfig, request: Request) -> str:
    """sha256 of all that decides a judge's answer: its model, its settings, the whole request."""
    identity = {
        "model": [judge.provider, judge.id, judge.base_url],
        "settings": judge.settings.model_dump(mode="json"),
        "request": asdict(request),
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def check_template(template: str, path: str) -> None:
    """Raises ConfigError for a template that does not render, or leaves out what is compared."""
    first, second = _SAMPLES["first"], _SAMPLES["second"]
    prompt = JudgePrompt(template, _SAMPLES["criteria"])
    try:
        sandboxed().parse(template)
        request = prompt.render({"input.txt": _SAMPLES["input"]}, Shown(first, second, False))
    except TemplateSyntaxError as error:
        raise ConfigError([f"{path}:{error.lineno}: {error.message}"]) from error
    except UndefinedError as error:
        raise ConfigError([f"{path}: {error.message}; it may name {NAMES}"]) from error
    except TemplateError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    missing = [k for k, text in _SAMPLES.items() if text not in f"{request.system}\n{request.user}"]
    if missing:
        raise ConfigError([f"{path}: leaves out {', '.join(missing)}; put it in"])
    if not request.user:
        raise ConfigError([f"{path}: has no line '[user]'; put one above the data"])


@lru_cache(maxsize=4)
def _compiled(template: str) -> tuple[Template, Template]:
    """System and user part. Split before any data is in: a text's own `[user]` line stays text."""
    system, user = split(template)
    return sandboxed().from_string(system), sandboxed().from_string(user)


def sandboxed() -> SandboxedEnvironment:
    """Where templates of configs/prompts render: no attribute of Python, no unknown name."""
    return SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
