"""The `metrics` analyst's review of a change: what it does to prompt, schema and code."""

from collections.abc import Sequence

from prompt_lab.analyze.contract import contradictions
from prompt_lab.analyze.diffs import file_diffs, hard_words
from prompt_lab.analyze.findings import parse_findings as parse_review
from prompt_lab.analyze.leaks import leaks
from prompt_lab.analyze.review_model import Review, Size
from prompt_lab.analyze.review_page import render_review
from prompt_lab.analyze.words import estimated_tokens, tokens
from prompt_lab.prompts.text import placeholders
from prompt_lab.records import Change, PlanText, PromptVersion

__all__ = ["Review", "parse_review", "render_review", "review"]


def review(
    change: Change,
    before: PromptVersion,
    after: PromptVersion,
    diff: str,
    *,
    train: Sequence[PlanText],
    verify: Sequence[PlanText],
) -> Review:
    """Review a change from both prompts, the diff (unified) and the texts of all plans."""
    old, new = placeholders(before.text), placeholders(after.text)
    known, found = contradictions(before), contradictions(after)
    return Review(
        change=change,
        diff=diff,
        files=file_diffs(diff),
        before=size(before.text),
        after=size(after.text),
        placeholders_lost=tuple(sorted(old - new)),
        placeholders_gained=tuple(sorted(new - old)),
        leaks=leaks(
            f"{before.text}\n{before.schema_text}",
            f"{after.text}\n{after.schema_text}",
            train,
            verify,
        ),
        contradictions=found,
        inherited=tuple(one for one in found if one in known),
        resolved=tuple(one for one in known if one not in found),
        hard_words=hard_words(diff),
    )


def size(text: str) -> Size:
    """How long a text is.

    >>> size("Two words.")
    Size(characters=10, words=2, tokens=3)
    """
    return Size(characters=len(text), words=len(tokens(text)), tokens=estimated_tokens(text))
