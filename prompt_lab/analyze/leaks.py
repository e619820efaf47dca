"""Find examples in a prompt that come from verify plans, which no author may see."""

from collections.abc import Sequence

from pydantic import Field

from prompt_lab.analyze.copied import runs_in
from prompt_lab.analyze.texts import run_leaves
from prompt_lab.analyze.words import line, spelled, split_words, tokens, visible, weight
from prompt_lab.records import PlanText, Record

MIN_WORDS = 5
MIN_VALUE = 3


class Leak(Record):
    """Text of a verify plan that is in the candidate's prompt and in no text it may be from."""

    plan: str
    source: str = Field(description="'inputs' or 'gold'")
    text: str


def leaks(
    before: str, after: str, train: Sequence[PlanText], verify: Sequence[PlanText]
) -> tuple[Leak, ...]:
    """Five words in a row of a verify plan, or one of its gold values, new in the prompt.

    What the old prompt or a train plan holds too has an honest source and is left out. White
    space of any kind, `_` in its place, and zero-width characters do not prevent a match.
    """
    honest = "".join(line(tokens(spaced(text))) for text in [before, *_every(train)])
    prompt = line(tokens(spaced(after)))
    found: list[Leak] = []
    for plan in verify:
        for text in plan.inputs.values():
            found += [Leak(plan=plan.name, source="inputs", text=one)
                      for one in _stretches(text, prompt, honest)]  # fmt: skip
        for text in plan.gold.values():
            found += [Leak(plan=plan.name, source="gold", text=one)
                      for one in _stretches(text, prompt, honest)]  # fmt: skip
        found += [
            Leak(plan=plan.name, source="gold", text=leaf.text)
            for leaf in run_leaves(plan.gold, prefix=False)
            if _is_telling(leaf.text) and _new(leaf.text, prompt, honest)
        ]
    return tuple(dict.fromkeys(found))


def _stretches(text: str, prompt: str, honest: str) -> list[str]:
    text = spaced(text)
    found = split_words(text)
    stretches = (spelled(text, found, at, size) for at, size in runs_in(found, prompt, MIN_WORDS))
    return [one for one in stretches if line(tokens(one)) not in honest]


def _new(text: str, prompt: str, honest: str) -> bool:
    value = line(tokens(spaced(text)))
    return value in prompt and value not in honest


def spaced(text: str) -> str:
    """As a reader sees it; `_` joins words in a name, and here it may not."""
    return visible(text).replace("_", " ")


def _is_telling(text: str) -> bool:
    """Not a label or a small number, which may stand in a prompt by chance."""
    parts = tokens(text)
    digits = sum(char.isdigit() for char in text)
    return len(text) >= MIN_VALUE and (weight(parts) >= 2 or digits >= MIN_VALUE)


def _every(plans: Sequence[PlanText]) -> list[str]:
    return [text for plan in plans for text in (*plan.inputs.values(), *plan.gold.values())]
