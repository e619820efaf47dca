"""Implement: one change on a branch, with a commit and a pull request. Writes change.json."""

from collections.abc import Iterator

from prompt_lab.agents.publication import escape_line, escape_markdown, escape_text
from prompt_lab.errors import ConfigError, HeadMoved
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.follow_up import first_of, follow_up
from prompt_lab.experiments.gather import version_at
from prompt_lab.experiments.ideas import Idea, evidence, ideas
from prompt_lab.experiments.implement_agent import by_agent
from prompt_lab.experiments.needs import Need, ScoutNeeded
from prompt_lab.experiments.race import race
from prompt_lab.propose.model import Draft
from prompt_lab.records import Change, Direction
from prompt_lab.store.iterations import IterationMeta, read_meta


def implement(experiment: Experiment) -> Iterator[Need]:
    """Find the change, ensure that it has a pull request, write change.json.

    A built-in strategy or the agent that --agent names carries out the top direction of the last
    synthesis, unless the change is given.
    """
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if meta.given:
        change = _use_given_change(experiment, meta)
        if meta.rivals:
            named = (meta.model_copy(update={"given": name}) for name in meta.rivals)
            rivals = [_use_given_change(experiment, one) for one in named]
            change = yield from race(experiment, meta, [change, *rivals])
    elif experiment.skip_implement:
        raise ConfigError(
            ["--skip-implement: name the change that exists already with --branch or --pr"]
        )
    elif meta.follow_up_of is not None:
        found = follow_up(experiment, meta)
        assert found is not None
        change = found
    else:
        if not meta.last_synthesis:
            yield ScoutNeeded()
        if meta.agent:
            change = by_agent(experiment, meta)
        else:
            changes = [
                _proposed(experiment, meta, one) for one in ideas(experiment, meta, log=True)
            ]
            change = changes[0]
            if len(changes) > 1:
                change = yield from race(experiment, meta, changes)
    experiment.write("change.json", change.model_dump_json(indent=2) + "\n")


def _use_given_change(experiment: Experiment, meta: IterationMeta) -> Change:
    """The change that the user names: its current branch, with its pull request."""
    host = experiment.context.code_host(meta.target)
    if meta.given[:1] == "#" and meta.given[1:].isdecimal():
        number = int(meta.given[1:])
    else:
        title = f"Test {meta.given}"
        body = f"Opened for iteration {meta.iteration} of step {meta.step!r}."
        opened = host.open_pull(
            meta.given, base=meta.main, title=title, body=body, when=meta.created
        )
        number = opened.number
    pull = host.verify(number, base=meta.main)
    first = (
        first_of(experiment, meta.follow_up_of).change if meta.follow_up_of is not None else None
    )
    return Change(
        branch=pull.branch,
        commit=experiment.context.workspace(meta.target).resolve(pull.head),
        base_commit=meta.main_commit,
        follow_up_of=meta.follow_up_of,
        shown=first.shown if first else (),
        strategy="given",
        source="the command line",
        title=pull.title,
        description=pull.body,
        pull=pull.number,
        pull_url=pull.url,
    )


def _proposed(experiment: Experiment, meta: IterationMeta, found: Idea) -> Change:
    """A direction that a strategy has carried out, as a commit on a new branch."""
    draft, direction, source = found
    if meta.start_commit:
        source += f", on the prompt of {meta.start_commit[:12]} ({meta.start})"
    branch = f"prompt-lab/{meta.iteration}-{draft.strategy}"
    commit = experiment.context.workspace(meta.target).commit_files(
        meta.main_commit,
        branch,
        {experiment.context.step(experiment.step).prompt: draft.text}
        | _start_schema(experiment, meta),
        message=escape_text(_message(draft, direction, source)),
        when=meta.created,
    )
    pull = experiment.context.code_host(meta.target).open_pull(
        branch,
        base=meta.main,
        title=escape_line(draft.title),
        body=escape_markdown(_message(draft, direction, source)),
        when=meta.created,
    )
    if pull.head != commit:
        raise HeadMoved(
            f"{pull.url}: branch {branch!r} stands at {pull.head!r}, but the change is {commit!r}:"
            " close it, or delete the branch there, and run the same command again"
        )
    return Change(
        branch=branch,
        commit=commit,
        base_commit=meta.main_commit,
        start_commit=meta.start_commit,
        strategy=draft.strategy,
        source=source,
        direction=direction.title,
        rank_score=direction.rank_score,
        title=draft.title,
        description=draft.description,
        shown=draft.plans,
        pull=pull.number,
        pull_url=pull.url,
    )


def _start_schema(experiment: Experiment, meta: IterationMeta) -> dict[str, str]:
    """The schema that belongs to the prompt that the candidate begins with; none from main."""
    if not meta.start_commit or not experiment.context.step(experiment.step).schema_path:
        return {}
    version = version_at(experiment, meta.start_commit)
    return {version.schema_path: version.schema_text}


def _message(draft: Draft, direction: Direction, source: str) -> str:
    return (
        f"{draft.title}\n\n{draft.description}\n\nStrategy: {draft.strategy}\n"
        f"From: {source}\nDirection: {direction.title}\n{evidence(direction)}"
    )
