"""The step adapter `prompt_file`: its files and its scorer stand in the step's config alone."""

from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from adapters.step.prompt_file import PromptFileStep
from prompt_lab.config.lab import GatewayConfig, StepConfig, TargetConfig
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.evaluate.checks import find_missing_library, score_checks
from prompt_lab.step_results import AnswerScorer

RULES = 1
"""Of the checks; a change of what they compare is a new number, and answers are scored again."""


class ConfiguredPromptFile(PromptFileStep):
    """Inputs, outputs and scorer by config; without a scorer `fields` is the mean of all fields."""

    takes_checks: ClassVar[bool] = True

    def __init__(self, config: StepConfig, scorer: AnswerScorer | None = None) -> None:
        place = f"configs/steps/{config.name}.yaml"
        outputs = config.outputs or _usual_outputs(config)
        if not config.inputs:
            raise ConfigError(
                [f"{place}: inputs: name the files of a plan that the prompt receives"]
            )
        if len(outputs) != 1:
            raise ConfigError(
                [f"{place}: outputs: name one file, for example [answer.json] or [answer.txt]"]
            )
        free_text = not outputs[0].endswith(".json")
        if config.answer != "auto" and free_text != (config.answer == "text"):
            raise ConfigError(
                [
                    f"{place}: answer: {config.answer!r} does not fit the output {outputs[0]!r}: a"
                    " free text is called *.txt, an answer in JSON *.json"
                ]
            )
        if free_text and config.schema_path:
            raise ConfigError(
                [f"{place}: outputs: an answer with a schema is JSON: call it *.json"]
            )
        if free_text and scorer is None and not config.checks:
            raise ConfigError(
                [
                    f"{place}: checks: say how a free text is scored, for example"
                    " [{kind: normalized}] (docs/scoring.md), or name a function with 'score'"
                ]
            )
        if missing := find_missing_library(config.checks):
            raise ConfigError([f"{place}: checks: {missing}"])
        self.inputs, self.outputs = config.inputs, outputs
        super().__init__(config, scorer)

    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """{'fields': mean, 'amount': 0 or 1, …}, one for each gold field."""
        credit = self.credit(gold, answer)
        return {"fields": sum(credit.values()) / len(credit), **credit}

    def score(self, plan_dir: Path, out_dir: Path) -> dict[str, float]:
        """By the step's checks where it has some. Raises StoreError as they do."""
        if not self._config.checks:
            return super().score(plan_dir, out_dir)
        compared = self._read_compared(plan_dir, out_dir)
        try:
            return score_checks(self._config.checks, *compared)
        except StoreError as error:
            raise StoreError(f"{plan_dir / self.outputs[0]}: {error}") from error

    def digest_text(
        self, target: TargetConfig, gateway: GatewayConfig, *, answer: bool = False
    ) -> str:
        """The checks, which decide a score and not its answer, or the scorer's code."""
        if answer or not self._config.checks:
            return super().digest_text(target, gateway, answer=answer)
        texts = [check.model_dump_json() for check in self._config.checks]
        return sha256("\n".join([f"checks {RULES}", *texts]).encode()).hexdigest()


def _usual_outputs(config: StepConfig) -> tuple[str, ...]:
    """Where the config names none: by what kind of answer it names."""
    names = {"text": "answer.txt", "json": "answer.json"}
    return (names[config.answer],) if config.answer in names else ()
