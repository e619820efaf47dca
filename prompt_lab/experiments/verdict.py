"""Verdict: decide by the rule, reading verify only where everything else says YES."""

from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.tasks.base import Phase
from prompt_lab.experiments.analysis import Assessment
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.runs import Runs
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
