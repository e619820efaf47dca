"""What the calls of a run took: a line for each, and sums for each model."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from planner.models import Call

USAGE = "usage_metrics.jsonl"
ACTIVITY = "activity_overview.json"


def write_usage(folder: Path, calls: list[Call]) -> None:
    """Add the calls to a run folder's usage file, and write its sums anew."""
    with (folder / USAGE).open("a", encoding="utf-8") as file:
        for call in calls:
            row = {key: value for key, value in asdict(call).items() if value != ""}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    rows = [json.loads(line) for line in (folder / USAGE).read_text("utf-8").splitlines()]
    models: dict[str, dict[str, int]] = {}
    for row in rows:
        sums = models.setdefault(row["model"], {"calls": 0, "input_tokens": 0, "output_tokens": 0})
        sums["calls"] += 1
        sums["input_tokens"] += row["input_tokens"]
        sums["output_tokens"] += row["output_tokens"]
    overview = {
        "last_updated": datetime.now(UTC).isoformat(),
        "models": models,
        "total_input_tokens": sum(sums["input_tokens"] for sums in models.values()),
        "total_output_tokens": sum(sums["output_tokens"] for sums in models.values()),
    }
    (folder / ACTIVITY).write_text(json.dumps(overview, indent=2), encoding="utf-8")
