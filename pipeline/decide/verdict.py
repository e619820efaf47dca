"""Verdict: decide by the rule, reading verify only where everything else says YES."""

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.analysis.analysis import Assessment
from pipeline.base import Phase
from pipeline.trial.judge import decide_iteration
from pipeline.trial.runs import Runs
from prompt_lab.names import Split


class Verdict(Phase):
    """YES, NO, CONDITIONAL or INVALID, with every number behind it. Writes verdict.json."""

    FILE = "verdict.json"

    def requires(self) -> luigi.Task:
        """What the analysts made of the runs."""
        return self.clone_as(Assessment)

    def work(self) -> Iterator[Any]:
        """Judge train; on a promising result run verify and judge again."""
        verdict, _ = decide_iteration(self)
        if verdict.needs_verify:
            yield self.clone_as(Runs, split=Split.VERIFY)
            verdict, _ = decide_iteration(self)
        self.write(verdict.model_dump_json(indent=2) + "\n")
