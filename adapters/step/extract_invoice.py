"""The step `extract_invoice`: an invoice as text in, its fields as JSON out."""

from typing import Any

from adapters.step.prompt_file import PromptFileStep


class ExtractInvoice(PromptFileStep):
    """Credit for each field of the gold answer; `fields` is their mean."""

    inputs = ("invoice.txt",)
    outputs = ("invoice.json",)

    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """{'fields': mean, 'amount': 0 or 1, …}, one for each gold field."""
        credit = self.credit(gold, answer)
        return {"fields": sum(credit.values()) / len(credit), **credit}
