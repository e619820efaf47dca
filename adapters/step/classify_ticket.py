"""The step `classify_ticket`: a support ticket in, its label out."""

from typing import Any

from adapters.step.prompt_file import PromptFileStep


class ClassifyTicket(PromptFileStep):
    """All or nothing on the label."""

    inputs = ("ticket.txt",)
    outputs = ("ticket.json",)

    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """{'label': 0 or 1}."""
        return {k: v for k, v in self.credit(gold, answer).items() if k == "label"}
