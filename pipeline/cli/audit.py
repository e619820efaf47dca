"""`prompt-lab audit`: which system prompts the recorded runs of another tool really used."""

import typer

from pipeline.wiring import lab_context
from prompt_lab.report.terminal import say
from prompt_lab.store.planexe.audit import audit_prompts, render_audit


def audit() -> None:
    """Compare the prompts in raw outputs over the iterations of another tool's lab.

    Ends with 1 where an iteration seems to have run another prompt than its change has.
    """
    told, found = audit_prompts(lab_context().lab)
    say(render_audit(told, found))
    raise typer.Exit(1 if found else 0)
