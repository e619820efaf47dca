"""`prompt-lab doctor`: check machine and project, and say how each fault is fixed."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.wiring import lab_context, load_adapter
from prompt_lab.errors import LabError
from prompt_lab.experiments.doctor import HealthCheck, check_machine, check_project, render_checks
from prompt_lab.report.terminal import say


def doctor(
    *,
    step: Annotated[str, typer.Option(help="the step; default: that of promptlab.yaml")] = "",
    check_key: Annotated[
        bool, typer.Option("--check-key", help="make one small call of each model")
    ] = False,
) -> None:
    """Check Python, git, sandbox, disk, models, prompt and plans. Ends with 1 where one fails."""
    checks = check_machine(
        Path(),
        partial(load_adapter("git", "git"), ours=False),
        load_adapter("sandbox", "why_not")(),
    )
    try:
        checks += check_project(lab_context(), step, call=check_key)
    except LabError as error:
        checks.append(HealthCheck("fail", "project", str(error)))
    say(render_checks(checks))
    raise typer.Exit(int(any(check.status == "fail" for check in checks)))
