"""`python -m tests.tools.schemas`: write the published JSON schemas anew from their models."""

import json
from pathlib import Path

from prompt_lab.benchmark.routing_rules import routing_schema
from prompt_lab.promptops.slo_records import SloReport
from prompt_lab.task_engine.campaign import CampaignResult
from prompt_lab.task_engine.record import AttemptRecord, Undo
from prompt_lab.task_engine.schema import published, task_schema

DOCS = Path(__file__).parents[2] / "docs"


def schemas() -> dict[str, str]:
    """File name in docs/ -> its text."""
    found = {
        "task.schema.json": task_schema(),
        "result.schema.json": published(
            AttemptRecord, "An attempt of the task engine: one JSON line"
        ),
        "undo.schema.json": published(Undo, "A keep taken back by --undo: one JSON line"),
        "routing_config.schema.json": routing_schema(),
        "campaign.schema.json": published(CampaignResult, "A campaign that is over: one JSON line"),
        "promptops_slo.schema.json": published(
            SloReport, "Service levels of the prompt service: promptops/artifacts/slo.json"
        ),
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in found.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (DOCS / name).write_text(text, encoding="utf-8")
