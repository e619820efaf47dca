"""Estimates of a dry run: lengths of texts, and a table line for each model."""

from collections.abc import Sequence

from prompt_lab.evaluate.noise_floor import Estimate
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.names import Split
from prompt_lab.store.plans import read_plan

HEAD = f"  {'':24} {'runs':>6} {'reused':>7} {'calls':>6} {'cost':>9} {'time':>7}"
GUESSED = "  Times and tokens of a model without past runs are guesses (marked ~)."


def characters(experiment: Experiment, commit: str, split: Split, plans: Sequence[str]) -> int:
    """The mean length of prompt, schema and input together."""
    step, adapter = (
        experiment.context.step(experiment.step),
        experiment.context.adapter(experiment.step),
    )
    workspace = experiment.context.workspace(step.target)
    fixed = sum(len(workspace.read(commit, path)) for path in adapter.sources)
    folder = experiment.context.lab.plans(split)
    texts = [read_plan(folder / name, adapter.inputs, ()) for name in plans]
    return fixed + sum(len(t) for p in texts for t in p.inputs.values()) // max(len(texts), 1)


def row(of: Estimate) -> str:
    """One model's line of the table."""
    mark = "" if of.measured else "~"
    return (
        f"    {of.model:22} {of.calls + of.reused:>6} {of.reused:>7} {of.calls:>6} "
        f"{mark + f'${of.cost_usd:.3f}':>9} {mark + time(of.seconds):>7}"
    )


def time(seconds: float) -> str:
    """Seconds, or minutes.

    >>> time(119.0), time(120.0)
    ('119 s', '2 min')
    """
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
