"""What a schedule costs: days late, setups and overtime. A schedule that cannot be is refused."""

import json
import math
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from orders import DAY_HOURS, MOST_OVERTIME, SETUP_HOURS, Order, orders

SETUP_COST = 15.0
OVERTIME_COST = 12.0
"""For each hour of each day that the shop is open."""


def fault(rows: list[dict[str, Any]], known: dict[str, Order]) -> str | None:
    """Why the shop could not work like this, or None."""
    ended: dict[str, float] = {}
    for station in ("saw", "bench"):
        free, family = 0.0, ""
        mine = sorted((r for r in rows if r["station"] == station), key=lambda r: r["start"])
        if sorted(row["id"] for row in mine) != sorted(known):
            return f"not every order is at the {station} once"
        for row in mine:
            order = known[row["id"]]
            setup = SETUP_HOURS if station == "saw" and order.family != family else 0.0
            least = max(free + setup, ended.get(order.id, 0.0))
            if row["start"] < least - 1e-9:
                return f"{order.id} begins too early at the {station}"
            if abs(row["end"] - row["start"] - getattr(order, station)) > 1e-9:
                return f"{order.id} does not take its time at the {station}"
            free, family, ended[order.id] = row["end"], order.family, row["end"]
    return None


def measured(schedule: dict[str, Any], known: dict[str, Order]) -> dict[str, float]:
    """The metrics of a schedule that can be; costs in euros."""
    day = DAY_HOURS + schedule["overtime_hours"]
    saws = sorted((r for r in schedule["rows"] if r["station"] == "saw"), key=lambda r: r["start"])
    families = [known[row["id"]].family for row in saws]
    setups = 1 + sum(a != b for a, b in pairwise(families))
    ends = {r["id"]: r["end"] for r in schedule["rows"] if r["station"] == "bench"}
    late = {i: max(0, math.ceil(end / day - 1e-9) - known[i].due) for i, end in ends.items()}
    days = math.ceil(max(ends.values()) / day - 1e-9)
    return {
        "late_orders": sum(value > 0 for value in late.values()),
        "late_days": sum(late.values()),
        "orders_per_day": round(len(known) / days, 4),
        "late_cost": sum(known[i].late_cost * value for i, value in late.items()),
        "setup_cost": SETUP_COST * setups,
        "overtime_cost": OVERTIME_COST * schedule["overtime_hours"] * days,
    }


def main() -> str | None:
    """Print the score of work/schedule.json: its cost."""
    schedule = json.loads(Path(os.environ["PROMPTLAB_OUT"], "schedule.json").read_text("utf-8"))
    known = {order.id: order for order in orders()}
    if not 0 <= schedule["overtime_hours"] <= MOST_OVERTIME:
        return f"overtime must be 0 to {MOST_OVERTIME:g} hours"
    wrong = fault(schedule["rows"], known)
    if wrong is None:
        metrics = measured(schedule, known)
        cost = sum(value for name, value in metrics.items() if name.endswith("_cost"))
        print(json.dumps({"score": cost, "metrics": metrics}))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
