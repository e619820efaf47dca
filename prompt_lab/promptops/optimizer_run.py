"""What a round of the optimizer works on: the lab, its outcomes and registry, a time, a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import ModelUnavailable
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports.llm import Request
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.canary import LiveTraffic
from prompt_lab.promptops.outcomes import read_golden
from prompt_lab.promptops.question_plans import GoldenCase
from prompt_lab.promptops.rounds import FIX, PROPOSED, Proposed, rounds_folder
from prompt_lab.promptops.variants import PromptRewriter
from prompt_lab.store.files import read_record
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry

REWRITE_TOKENS = 2048


@dataclass(frozen=True)
class OptimizerRun:
    """What a round works on. `rewriter` is a model that rewrites prompts, if there is one."""

    context: LabContext
    outcomes: OutcomeStore
    registry: PromptRegistry
    now: str
    golden: Sequence[GoldenCase] = ()
    rewriter: PromptRewriter | None = None

    @property
    def config(self) -> PromptOpsConfig:
        """The section `promptops:` of lab.yaml."""
        return self.context.defaults.promptops

    @property
    def live_traffic(self) -> LiveTraffic:
        """What its canaries work on."""
        return LiveTraffic(
            self.context.lab,
            self.registry,
            self.outcomes,
            self.config.canary,
            self.config.latency_budget_ms,
        )

    def folder(self, name: str) -> Path:
        """The folder of a round."""
        return rounds_folder(self.context.lab) / name

    def read_proposed(self, name: str) -> Proposed:
        """What a round proposed. Raises StoreError."""
        return read_record(self.folder(name) / PROPOSED, Proposed, fix=FIX)


class ModelRewriter:
    """A model of the lab that rewrites prompts."""

    def __init__(self, context: LabContext, alias: str) -> None:
        self.name = alias
        self._context = context

    def rewrite(self, request: str) -> str:
        """Its answer. Raises LabError where it cannot be reached."""
        llm = self._context.sdk_llm(self.name, "rewriter")
        if missing := llm.check():
            raise ModelUnavailable(missing)
        return llm.ask(Request("", request, max_tokens=REWRITE_TOKENS)).text


def open_run(
    context: LabContext, outcomes: OutcomeStore, now: str, *, rewriter: str = ""
) -> OptimizerRun:
    """A run on the lab's own registry. `rewriter`: the alias of a model."""
    golden, _ = read_golden(context.lab)
    model = ModelRewriter(context, rewriter) if rewriter else None
    return OptimizerRun(context, outcomes, open_registry(context.lab), now, golden, model)
