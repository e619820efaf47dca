"""`prompt-lab release-gate`, and `prompt-lab promptops slo | chances`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.promptops_reports import find_drift
from pipeline.wiring import lab_context, optimizer_run
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.promptops.chances import render_chances, simulate_chances
from prompt_lab.promptops.release_gate import (
    decide_release,
    find_faults,
    render_decision,
    write_decision,
)
from prompt_lab.promptops.slo import SloSource, measure_slos, render_slos, write_slos
from prompt_lab.promptops.slo_records import SloReport
from prompt_lab.report.terminal import say
from prompt_lab.store.prompt_verdicts import open_registry


def add_gate_commands(app: typer.Typer) -> None:
    """Add the commands to the group `prompt-lab promptops`."""
    app.command("slo")(show_slos)
    app.command("chances")(show_chances)


def check_release_gate(
    *,
    only: Annotated[
        Literal["all", "policy", "perf"],
        typer.Option(help="policy: guard and promotions; perf: latency and cost"),
    ] = "all",
    suite: Annotated[
        Path | None, typer.Option(help="a drift-safety suite instead of the shipped one")
    ] = None,
) -> None:
    """Ends with 1 and reason codes where what is served now must not be released."""
    context = lab_context()
    report = _measure(context)
    faults = find_faults(context.lab, open_registry(context.lab), find_drift(context, suite))
    decision = decide_release(report, faults, only)
    write_decision(context.lab, decision)
    say(render_decision(decision))
    raise typer.Exit(0 if decision.allowed else 1)


def show_slos(
    *, as_json: Annotated[bool, typer.Option("--json", help="the whole report")] = False
) -> None:
    """Measure the service levels and keep them as promptops/artifacts/slo.json."""
    report = _measure(lab_context())
    say(report.model_dump_json(indent=2) if as_json else render_slos(report))


def show_chances(
    *,
    runs: Annotated[int, typer.Option(help="simulations of each row", min=1)] = 1000,
    policy: Annotated[str, typer.Option(help="a file of configs/policies")] = "strict",
    seed: int = 1,
) -> None:
    """Simulate gate and canary: what is promoted wrongly, rolled back, found. Takes minutes."""
    say(render_chances(simulate_chances(lab_context().policy(policy), runs, seed)))


def _measure(context: LabContext) -> SloReport:
    now = utc_now()
    outcomes = optimizer_run(context, now).outcomes
    report = measure_slos(
        SloSource(context.lab, outcomes.summary), context.defaults.promptops, now=now
    )
    write_slos(context.lab, report)
    return report
