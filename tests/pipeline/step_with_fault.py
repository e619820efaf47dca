"""A step whose own code raises inside the verdict of the first iteration."""

import os
from pathlib import Path

from adapters.step.extract_invoice import ExtractInvoice


class StepWithFault(ExtractInvoice):
    """Finds no prompt once the analysts of iteration 1 are done, until it is given up."""

    def prompt_in(self, source: str) -> str:
        """The prompt. Raises OverflowError while iteration 1 waits for its verdict."""
        folder = Path(os.environ["PROMPTLAB_ROOT"]) / "analysis/1_read_sum"
        if (folder / "synthesis.md").exists() and not (folder / "given_up.json").exists():
            raise OverflowError("a prompt of infinite length")
        return super().prompt_in(source)
