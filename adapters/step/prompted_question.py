"""The step `prompted_question`: a registered prompt with one question of a challenge set.

The prompt is the system text and the question the user message; a prompt with a placeholder for it
({{ query }}, {{ question }} or {{ input }}, with single or double braces) has it filled in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.step.prompt_file_config import ConfiguredPromptFile
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import ConfigError
from prompt_lab.prompts.text import placeholders
from prompt_lab.step_results import AnswerScorer
from prompt_lab.store.plans import read_plan

SLOTS: Final = ("query", "question", "input")


class PromptedQuestion(ConfiguredPromptFile):
    """Inputs by config: one file, the question. The gold is what the answer is expected to hold."""

    def __init__(self, config: StepConfig, scorer: AnswerScorer | None = None) -> None:
        if len(config.inputs) != 1:
            raise ConfigError(
                [
                    f"configs/steps/{config.name}.yaml: inputs: name one file of the plans of a"
                    " challenge set, [<prompt id>.question.txt]"
                ]
            )
        super().__init__(config, scorer)

    def find_prompt_fault(self, text: str) -> str | None:
        """A prompt without a placeholder gets the question as the user message."""
        return None if text.strip() else "is empty"

    def describe_prompt(self, text: str) -> str:
        """Where the question goes."""
        slot = _find_slot(text)
        return f"the question is filled into {slot!r}" if slot else "the question follows the text"

    def _fill(self, prompt: str, plan_dir: Path) -> Mapping[str, str]:
        name = self.inputs[0]
        question = read_plan(plan_dir, self.inputs, ()).inputs[name].strip("\n")
        return {_find_slot(prompt) or SLOTS[0]: question}


def _find_slot(text: str) -> str:
    there = placeholders(text)
    return next((slot for slot in SLOTS if slot in there), "")
