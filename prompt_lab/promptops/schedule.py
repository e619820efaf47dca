"""What the optimizer does next, and when it must stop: decided from files, for any clock."""

from typing import NamedTuple

from prompt_lab.config.promptops import OptimizerConfig
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.promptops.idle import (
    MachineState,
    OptimizerSwitch,
    read_machine,
    read_switch,
    why_busy,
    why_disturbing,
    why_off,
    why_spent,
)
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.rounds import (
    GATED,
    PROPOSED,
    Gated,
    Proposed,
    find_open_round,
    name_round,
    use_of_day,
    why_backing_off,
)
from prompt_lab.promptops.worker import NothingToDo, choose_weak
from prompt_lab.store.files import read_if_whole, write_record


class NextStep(NamedTuple):
    """The round to work on; without one, `text` says why the optimizer waits."""

    round: str
    text: str


def next_step(
    run: OptimizerRun, machine: MachineState | None = None, *, waits: bool = True
) -> NextStep:
    """The open round, or a new one where a prompt is weak.

    `waits`: only where it disturbs no user, and some time after a trial that failed.
    A round from before the optimizer was last switched on is ended: the challenge set and the gate
    are asked again.
    """
    lab, optimizer = run.context.lab, run.config.optimizer
    switch = read_switch(lab)
    if why := why_off(optimizer, switch):
        return NextStep("", f"The optimizer is off: {why}.")
    if waits:
        state = machine or read_machine(lab)
        why = why_disturbing(optimizer, state, run.now) or why_busy(optimizer, state)
        if why:
            return NextStep("", f"The optimizer waits: {why}.")
    name = find_open_round(lab)
    if name and _end_if_older(run, name, switch):
        name = ""
    if name:
        minutes = optimizer.back_off_minutes if waits else 0.0
        waiting = why_backing_off(run.folder(name), minutes, run.now)
        return NextStep("", f"The optimizer waits: {waiting}.") if waiting else NextStep(name, "")
    if why := why_spent(optimizer, use_of_day(lab, run.now[:10])):
        return NextStep("", f"The optimizer waits until tomorrow: {why}.")
    weak = choose_weak(run)
    if isinstance(weak, NothingToDo):
        return NextStep("", f"Nothing to improve: {weak.reason}.")
    return NextStep(name_round(lab, run.now[:10]), "")


def _end_if_older(run: OptimizerRun, name: str, switch: OptimizerSwitch) -> bool:
    folder = run.folder(name)
    proposed = read_if_whole(folder / PROPOSED, Proposed)
    if proposed is None or not switch.when or proposed.when >= switch.when:
        return False
    text = "the optimizer was switched since: the challenge set and the gate are asked again"
    gated = Gated(when=run.now, decision="withdrawn", codes=("switched",), text=text)
    write_record(folder / GATED, gated)
    return True


def why_stop(context: LabContext, now: str, *, watches_users: bool = True) -> str:
    """Why a working optimizer must stop now; '' to go on. Reads switch and config afresh."""
    optimizer = _read_optimizer(context)
    if why := why_off(optimizer, read_switch(context.lab)):
        return why
    if not watches_users:
        return ""
    return why_disturbing(optimizer, read_machine(context.lab), now)


def _read_optimizer(context: LabContext) -> OptimizerConfig:
    """The config as it is now; as it was when the command began where it cannot be read."""
    try:
        return context.read_defaults().promptops.optimizer
    except ConfigError:
        return context.defaults.promptops.optimizer
