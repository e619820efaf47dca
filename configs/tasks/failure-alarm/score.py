"""How good the calls are: F1 of precision (calls that a failure follows) and recall (failures that
a call comes before, soon enough to do something and not so early that nobody would believe it)."""

import json
import os
from pathlib import Path

from machines import DAYS, READINGS_A_DAY, machines

EARLIEST, LATEST = 10 * READINGS_A_DAY, 1 * READINGS_A_DAY
"""Readings before a failure, between which a call is of use."""


def main() -> None:
    """Print the score of work/calls.json."""
    told = json.loads(Path(os.environ["PROMPTLAB_OUT"], "calls.json").read_text("utf-8"))
    right = wrong = caught = failures = 0
    for machine in machines():
        useful = [range(f - EARLIEST, f - LATEST + 1) for f in machine.failures]
        calls = sorted(set(told[machine.id]))
        hits = sum(any(call in span for span in useful) for call in calls)
        right, wrong = right + hits, wrong + len(calls) - hits
        caught += sum(any(call in span for call in calls) for span in useful)
        failures += len(machine.failures)
    precision, recall = right / max(1, right + wrong), caught / failures
    months = len(machines()) * DAYS / 30
    score = 2 * precision * recall / (precision + recall) if caught else 0.0
    metrics = {
        "precision": precision,
        "recall": recall,
        "false_alarms": wrong,
        "false_alarms_per_machine_month": wrong / months,
    }
    rounded = {name: round(value, 6) for name, value in metrics.items()}
    print(json.dumps({"score": round(score, 6), "metrics": rounded}))


if __name__ == "__main__":
    main()
