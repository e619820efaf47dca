"""Trials of texts of a registry prompt: each on a branch of its own, in one iteration of its step.

A YES changes nothing by itself: the iteration waits for its promotion.
"""

from collections.abc import Mapping, Sequence

from prompt_lab.agents.publication import escape_line
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.prepare import is_prepared, prepare
from prompt_lab.experiments.registry_target import take_snapshot
from prompt_lab.records import Record
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole


class _Given(Record):
    given: str = ""


def find_trial(context: LabContext, step: str, branch: str) -> int:
    """The number of the iteration that tries a branch; of the next one where none does yet."""
    known = iterations(context.lab)
    for number, its_step in known.items():
        meta = read_if_whole(context.lab.iteration(number, step) / "meta.json", _Given)
        if its_step == step and meta is not None and meta.given == branch:
            return number
    return max(known, default=0) + 1


def prepare_text_trial(
    context: LabContext,
    step: str,
    texts: Mapping[str, str],
    messages: Sequence[str],
    *,
    models: Sequence[str],
    policy: str,
    when: str,
) -> Experiment:
    """Commit each text (branch -> text) and prepare the iteration that tries them.

    Of several, all are screened and the best is confirmed. `messages` are those of the commits, in
    the order of `texts`. May be repeated. Raises LabError where the trial cannot begin.
    """
    branch, *rivals = texts
    config = context.step(step)
    number = find_trial(context, step, branch)
    experiment = Experiment(
        context,
        step=step,
        number=number,
        branch=branch,
        rivals=",".join(rivals),
        models=",".join(models),
        policy=policy,
        awaits_approval=True,
    )
    if not is_prepared(experiment):
        workspace = context.workspace(config.target)
        workspace.check()
        context.code_host(config.target).refresh(context.target(config.target).main)
        take_snapshot(context, config.target, when=when)
        main = workspace.resolve(context.target(config.target).main)
        for (name, text), message in zip(texts.items(), messages, strict=True):
            files = {config.prompt: text}
            workspace.commit_files(main, name, files, message=escape_lines(message), when=when)
        prepare(experiment)
    return experiment


def escape_lines(message: str) -> str:
    """A commit's message whose lines hold no control characters."""
    return "\n".join(escape_line(line) for line in message.split("\n"))
