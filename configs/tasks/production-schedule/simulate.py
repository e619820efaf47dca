"""Runs the shop by policy.yaml: a saw and a bench, one order at a time each; writes the schedule.

Times are hours of work since the start; a day has 8 of them and the policy's overtime.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from orders import DAY_HOURS, SETUP_HOURS, Order, orders

RULES: dict[str, Callable[[Order, float], float]] = {
    "first_come": lambda order, hours_left: 0.0,  # noqa: ARG005
    "shortest": lambda order, hours_left: order.saw + order.bench,  # noqa: ARG005
    "earliest_due": lambda order, hours_left: order.due,  # noqa: ARG005
    "least_slack": lambda order, hours_left: hours_left - order.saw - order.bench,
    "dearest_late": lambda order, hours_left: -order.late_cost,  # noqa: ARG005
}
"""Name -> what makes an order urgent, the lowest first; of equals the one that came in first."""


def run(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each order at each station: id, station, start, end."""
    waiting = orders()
    rows, saw, bench, family = [], 0.0, 0.0, ""
    while waiting:
        order = chosen(policy, waiting, saw, family)
        waiting.remove(order)
        start = saw + (SETUP_HOURS if order.family != family else 0.0)
        saw, family = start + order.saw, order.family
        rows.append({"id": order.id, "station": "saw", "start": start, "end": saw})
        start = max(saw, bench)
        bench = start + order.bench
        rows.append({"id": order.id, "station": "bench", "start": start, "end": bench})
    return rows


def chosen(policy: dict[str, Any], waiting: list[Order], now: float, family: str) -> Order:
    """The most urgent order, or one of the family that is set up if that is due about as soon."""
    day = DAY_HOURS + policy["overtime_hours"]
    ranked = sorted(waiting, key=lambda o: RULES[policy["rule"]](o, o.due * day - now))
    latest = ranked[0].due + policy["family_days"]
    alike = (o for o in ranked if o.family == family and o.due <= latest)
    return next(alike, ranked[0]) if policy["family_days"] else ranked[0]


def main() -> str | None:
    """Write work/schedule.json; what is wrong with the policy, where something is."""
    policy = yaml.safe_load(Path(__file__).with_name("policy.yaml").read_text("utf-8"))
    if policy["rule"] not in RULES:
        return f"policy.yaml: there is no rule {policy['rule']!r}, only {', '.join(RULES)}"
    schedule = {"overtime_hours": policy["overtime_hours"], "rows": run(policy)}
    Path(os.environ["PROMPTLAB_OUT"], "schedule.json").write_text(json.dumps(schedule), "utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
