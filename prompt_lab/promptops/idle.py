"""When the optimizer may work: switched on, the machine idle, no user about, budget left today."""

import os
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from prompt_lab.clock import read_time
from prompt_lab.config.promptops import OptimizerConfig
from prompt_lab.promptops.routes import COVERED_ROUTES
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_if_whole, read_rows, write_record
from prompt_lab.store.layout import Lab

TAIL_BYTES = 262_144
"""Of metrics.jsonl, what is read for the last call of a user."""
PREPARED = "promptops.prepare_prompt"


class OptimizerSwitch(Record):
    """promptops/optimizer.json: a person's word beside the config's `enabled`."""

    version: int = VERSION
    enabled: bool = True
    actor: str = ""
    reason: str = ""
    when: str = Field(default="", description="of the last change; '' if never switched")


class MachineState(NamedTuple):
    """What decides whether the optimizer disturbs anyone."""

    load_per_core: float
    last_user_call: str
    """UTC; '' where none is known."""


class DayUse(NamedTuple):
    """What the optimizer used today: calls, US dollars, failed attempts at trials."""

    calls: int = 0
    usd: float = 0.0
    errors: int = 0

    def plus(self, other: "DayUse") -> "DayUse":
        """Both together."""
        return DayUse(self.calls + other.calls, self.usd + other.usd, self.errors + other.errors)


NOTHING = DayUse()


def read_switch(lab: Lab) -> OptimizerSwitch:
    """The switch; on where it was never touched. A damaged file counts as off."""
    path = _switch_file(lab)
    if not path.exists():
        return OptimizerSwitch()
    return read_if_whole(path, OptimizerSwitch) or OptimizerSwitch(
        enabled=False, reason=f"{path}: is damaged; switch it on again"
    )


def set_switch(lab: Lab, *, enabled: bool, actor: str, reason: str, when: str) -> OptimizerSwitch:
    """Switch the optimizer. A running one stops within a second."""
    switch = OptimizerSwitch(enabled=enabled, actor=actor, reason=reason, when=when)
    write_record(_switch_file(lab), switch)
    return switch


def read_machine(lab: Lab) -> MachineState:
    """The load of this machine, and when a user last asked for a prompt."""
    try:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        load = 0.0
    return MachineState(load, find_last_user_call(lab.root / "promptops" / "metrics.jsonl"))


def find_last_user_call(path: Path) -> str:
    """When a user last asked for a prompt, by the end of metrics.jsonl; '' where none did.

    Calls of the product's own routes are none of a user.
    """
    ours = {route.task_class for route in COVERED_ROUTES.values()}
    times = (
        str(row.get("ts", ""))
        for row in read_rows(path, TAIL_BYTES)
        if row.get("type") == PREPARED and row.get("task_class") not in ours
    )
    return max(times, default="")


def why_off(config: OptimizerConfig, switch: OptimizerSwitch) -> str:
    """Why the optimizer is off; '' where it is on."""
    if not config.enabled:
        return "promptops.optimizer.enabled is false in lab.yaml"
    if not switch.enabled:
        by = f" by {switch.actor!r}" if switch.actor else ""
        return f"it was switched off{by}: {switch.reason or 'no reason was given'}"
    return ""


def why_disturbing(config: OptimizerConfig, machine: MachineState, now: str) -> str:
    """Why work would disturb a user; '' where it would not."""
    if not machine.last_user_call:
        return ""
    try:
        minutes = (read_time(now) - read_time(machine.last_user_call)).total_seconds() / 60
    except ValueError:  # a drifted row: who wrote it is not known
        return ""
    if 0 <= minutes < config.quiet_minutes:
        return (
            f"a user asked for a prompt {minutes:.1f} minutes ago; it waits for"
            f" {config.quiet_minutes:g} quiet ones"
        )
    return ""


def why_busy(config: OptimizerConfig, machine: MachineState) -> str:
    """Why the machine is not idle; '' where it is."""
    if machine.load_per_core > config.load:
        return (
            f"the load is {machine.load_per_core:.2f} a core; it begins at {config.load:g} or less"
        )
    return ""


def why_spent(config: OptimizerConfig, used: DayUse, needed: DayUse = NOTHING) -> str:
    """Why today's budget does not reach for what is needed; '' where it does."""
    limits = (
        ("calls_per_day", used.calls, needed.calls, config.calls_per_day),
        ("usd_per_day", used.usd, needed.usd, config.usd_per_day),
        ("errors_per_day", used.errors, needed.errors, config.errors_per_day),
    )
    for key, spent, more, most in limits:
        if spent + more > most or (key != "usd_per_day" and not more and spent >= most):
            need = f", and {more:g} more are needed" if more else ""
            return f"{spent:g} of {most:g} of today's {key} are used{need}"
    return ""


def _switch_file(lab: Lab) -> Path:
    return lab.root / "promptops" / "optimizer.json"
