"""Watches the machines by alarm.yaml, reading by reading, and writes when each one would call."""

import json
import os
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml
from machines import machines

FIRST = 120
"""Readings from which a machine's own usual level is taken; no call before."""


def calls(readings: list[float], rule: dict[str, Any]) -> list[int]:
    """The indexes of the readings at which the machine calls; no later reading is looked at."""
    usual, spread = fmean(readings[:FIRST]), stdev(readings[:FIRST])
    window, found, above, silent = int(rule["window"]), [], 0, 0
    for i in range(FIRST, len(readings)):
        high = fmean(readings[i - window + 1 : i + 1]) > usual + rule["threshold"] * spread
        above = above + 1 if high else 0
        silent = max(0, silent - 1)
        if above >= rule["in_a_row"] and not silent:
            found.append(i)
            silent = int(rule["quiet"])
    return found


def main() -> None:
    """Write work/calls.json: machine -> indexes."""
    rule = yaml.safe_load(Path(__file__).with_name("alarm.yaml").read_text("utf-8"))
    found = {machine.id: calls(machine.readings, rule) for machine in machines()}
    Path(os.environ["PROMPTLAB_OUT"], "calls.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
