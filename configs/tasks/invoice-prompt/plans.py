"""The step that the prompt belongs to, and the plans that it is tried on."""

from pathlib import Path

from adapters.step.extract_invoice import ExtractInvoice
from prompt_lab.config.lab import StepConfig

ROOT = Path(__file__).parents[3]
STEP = ExtractInvoice(
    StepConfig(
        name="extract_invoice",
        adapter="extract_invoice",
        target="invoices",
        prompt="configs/tasks/invoice-prompt/prompt.txt",
        schema_path="examples/invoices/target/schemas/extract_invoice.json",
        primary="fields",
        max_tokens=64,
    )
)
PLANS = sorted((ROOT / "examples/invoices/baseline").glob("*/inv_t*"), key=lambda p: p.name)[:10]
