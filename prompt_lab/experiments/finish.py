"""Finish an iteration: update instructions and pareto front, ledger, summary, commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_lab.errors import StoreError
from prompt_lab.lazy import call_on_use
from prompt_lab.store.iterations import SUMMARY, read_change, read_meta

if TYPE_CHECKING:
    from prompt_lab.experiments.commit import commit_lab
    from prompt_lab.experiments.experiment import Experiment
    from prompt_lab.experiments.learn import learn
    from prompt_lab.experiments.ledger import write_ledger
    from prompt_lab.experiments.pages import report_view
    from prompt_lab.experiments.pareto import keep_front
    from prompt_lab.report.summary import render_summary

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.commit": "commit_lab",
        "prompt_lab.experiments.learn": "learn",
        "prompt_lab.experiments.ledger": "write_ledger",
        "prompt_lab.experiments.pages": "report_view",
        "prompt_lab.experiments.pareto": "keep_front",
        "prompt_lab.report.summary": "render_summary",
    },
)


def finish_iteration(experiment: Experiment) -> str:
    """Render ledger and summary, and commit the lab. Returns the summary for the terminal."""
    context = experiment.context
    change = read_change(context.lab, experiment.number, experiment.step)
    learn(experiment)
    keep_front(experiment)
    write_ledger(context)
    text = render_summary(report_view(experiment))
    message = f"Iteration {experiment.number}: {change.title}"
    when = read_meta(context.lab, experiment.number, experiment.step).created
    # summary.txt marks the end, so it is written after the commit that holds it.
    contents = {context.lab.relative(experiment.folder / SUMMARY): text}
    commit_lab(context, message, when=when, number=experiment.number, contents=contents)
    experiment.write(SUMMARY, text)
    return text


def saved_summary(experiment: Experiment) -> str:
    """The summary of a finished iteration. Raises StoreError where it cannot be read."""
    path = experiment.folder / SUMMARY
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
