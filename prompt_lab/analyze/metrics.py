"""The `metrics` analyst: all that can be counted about the runs of a batch, in one record."""

from collections.abc import Mapping, Sequence

from prompt_lab.analyze.accuracy import accuracy, agreement
from prompt_lab.analyze.copied import find_copied_text
from prompt_lab.analyze.duplicates import duplicates
from prompt_lab.analyze.evidence import RunEvidence
from prompt_lab.analyze.flips import flips, identical
from prompt_lab.analyze.lengths import lengths
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.openers import openers
from prompt_lab.analyze.phrases import phrases
from prompt_lab.analyze.placeholders import placeholders
from prompt_lab.analyze.stats import cells, errors, model_stats
from prompt_lab.analyze.words import estimated_tokens
from prompt_lab.names import Side
from prompt_lab.records import PlanText, PromptVersion, RunRow


def measure(
    rows: Sequence[RunRow],
    plans: Mapping[str, PlanText],
    primary: str,
    prompts: Mapping[Side, PromptVersion] | None = None,
) -> Metrics:
    """Measure the runs of one side or of both; equal rows in equal order give an equal record.

    `plans` by name: their gold outputs are compared where they have some, their inputs tell what
    an answer may well repeat. Without `prompts` nothing is said about text copied from them.
    """
    evidence = RunEvidence(rows, plans, prompts or {})
    return Metrics(
        primary=primary,
        plans=tuple(dict.fromkeys(row.record.plan for row in rows)),
        replicates=len({row.record.replicate for row in rows}),
        totals=model_stats(evidence),
        models=tuple(model_stats(evidence, model) for model in evidence.models),
        cells=cells(evidence),
        flips=flips(evidence),
        errors=errors(evidence),
        accuracy=accuracy(evidence),
        agreement=agreement(evidence),
        lengths=lengths(evidence),
        openers=openers(evidence),
        phrases=phrases(evidence),
        duplicates=duplicates(evidence),
        placeholders=placeholders(evidence),
        copied=find_copied_text(evidence),
        identical=identical(evidence),
        recorded=any(row.record.is_recorded for row in rows),
        prompt_tokens={
            side: estimated_tokens(prompt.text) for side, prompt in evidence.prompts.items()
        },
    )
