"""Take in what the service and other tools wrote, and look at canaries and promotions.

This is no work of the optimizer: it goes on while that is off, and costs no call.
"""

from prompt_lab.errors import LabError
from prompt_lab.experiments.conclude import conclude
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.promptops.canary import advance_canary, running_canaries, withdraw_canary
from prompt_lab.promptops.idle import read_switch, why_off
from prompt_lab.promptops.library.mining import mine_templates
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.outcomes import ingest_facts
from prompt_lab.promptops.rollback import roll_back_worse
from prompt_lab.promptops.selection.sources import update_evidence


def consume(run: OptimizerRun) -> list[str]:
    """Read new rows, advance canaries, roll back what turned out worse; a line for each event."""
    lines = [*_ingest(run), *look_at_canaries(run)]
    lines += _count_evidence(run)
    lines += roll_back_worse(run.live_traffic, now=run.now, margin=run.config.slo.success_drop)
    return lines + _mine(run)


def look_at_canaries(run: OptimizerRun) -> list[str]:
    """Advance each canary. One of the optimizer ends when it is switched off, or was since."""
    lab, lines = run.context.lab, list[str]()
    switch = read_switch(lab)
    off = why_off(run.config.optimizer, switch)
    for canary in running_canaries(lab):
        is_older = bool(switch.when) and canary.started < switch.when
        if not canary.forced_by and (off or is_older):
            text = off or "the optimizer was switched since: the gate is asked again"
            end = withdraw_canary(lab, canary, "switched", text, run.now)
        else:
            end = advance_canary(run.live_traffic, canary, now=run.now)
        lines.append(f"Canary of {canary.prompt_id!r}: {end.canary.state}, {end.text}.")
        if end.canary.state == "passed" and not end.canary.reasons:
            lines += _merge(run, canary.verdict_id)
    return lines


def _merge(run: OptimizerRun, verdict_id: str) -> list[str]:
    """Merge the pull request of what was promoted, so that the target's file follows.

    The promotion stands where that is not possible.
    """
    number, _, step = verdict_id.partition("_")
    if not (run.context.lab.iteration(int(number), step) / "change.json").exists():
        return []
    try:
        conclude(Experiment(run.context, step=step, number=int(number)))
    except LabError as error:
        return [f"The pull request of iteration {number} is not merged: {error}"]
    return []


def _count_evidence(run: OptimizerRun) -> list[str]:
    try:
        update_evidence(run.context.lab, run.outcomes, run.config.selector, now=run.now)
    except LabError as error:  # the selector goes on by the evidence before
        return [f"Evidence of variants is not counted: {error}"]
    return []


def _mine(run: OptimizerRun) -> list[str]:
    if run.registry.files.read_pointer() is None:
        return []
    try:
        return mine_templates(run)
    except LabError as error:
        return [f"No templates are mined: {error}"]


def _ingest(run: OptimizerRun) -> list[str]:
    try:
        found = ingest_facts(run.context.lab, run.outcomes, now=run.now)
    except LabError as error:  # one damaged file must not keep canaries from being looked at
        return [f"Not taken in: {error}"]
    return [f"Not taken in: {one}" for one in found.problems]
