"""The step adapter `prompt_file`: its files and its scorer stand in the step's config alone."""

from typing import Any

from adapters.step.prompt_file import PromptFileStep
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import ConfigError
from prompt_lab.step_results import Scorer


class ConfiguredPromptFile(PromptFileStep):
    """Inputs, outputs and scorer by config; without a scorer `fields` is the mean of all fields."""

    def __init__(self, config: StepConfig, scorer: Scorer | None = None) -> None:
        place = f"configs/steps/{config.name}.yaml"
        if not config.inputs:
            raise ConfigError(
                [f"{place}: inputs: name the files of a plan that the prompt receives"]
            )
        if len(config.outputs) != 1:
            raise ConfigError(
                [f"{place}: outputs: name one file, for example [answer.json] or [answer.txt]"]
            )
        free_text = not config.outputs[0].endswith(".json")
        if free_text and config.schema_path:
            raise ConfigError(
                [f"{place}: outputs: an answer with a schema is JSON: call it *.json"]
            )
        if free_text and scorer is None:
            raise ConfigError([f"{place}: score: name the function that scores a free text"])
        self.inputs, self.outputs = config.inputs, config.outputs
        super().__init__(config, scorer)

    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """{'fields': mean, 'amount': 0 or 1, …}, one for each gold field."""
        credit = self.credit(gold, answer)
        return {"fields": sum(credit.values()) / len(credit), **credit}
