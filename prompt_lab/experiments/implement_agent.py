"""Implement by an agent: its diff is checked before any branch contains it."""

from collections.abc import Sequence
from pathlib import Path

from prompt_lab.agents import refusals, requests
from prompt_lab.agents.port import Copies
from prompt_lab.agents.publication import escape_line, escape_markdown
from prompt_lab.agents.refusals import Contents, Fault, Refusal, in_words, redact_for_publication
from prompt_lab.agents.requests import Proposal, parse_proposal
from prompt_lab.analyze.leaks import leaks
from prompt_lab.config.agents import AgentConfig
from prompt_lab.errors import AgentRefused, TargetError
from prompt_lab.experiments.agent_access import copies
from prompt_lab.experiments.agent_work import (
    AgentFolders,
    Work,
    agent_folders,
    keep,
    plan_texts,
    put_to_work,
    ready,
    redactor_of,
    template_of,
    text_of,
)
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import version_at
from prompt_lab.experiments.ideas import directions, evidence
from prompt_lab.experiments.preflight import find_fault_in
from prompt_lab.names import Split
from prompt_lab.propose.budget import Breach, is_allowed
from prompt_lab.records import Change, Direction
from prompt_lab.store.iterations import IterationMeta

MOST_FILES = 20


def by_agent(experiment: Experiment, meta: IterationMeta) -> Change:
    """The top direction, carried out by an agent, on a branch with a pull request.

    Raises AgentRefused with every reason; the target then holds nothing of it.
    """
    config = ready(experiment, meta.agent)
    material, ranked, source = directions(experiment, meta)
    direction = ranked[0]
    tree = copies(experiment.context, meta.target)
    with agent_folders() as box:
        tree.export(meta.main_commit, box.tree)
        honest = text_of(box.tree)
        prompt = _prompt(experiment, config, (direction, material.known), box)
        work = put_to_work(experiment, config, "implement", prompt, box, writes=True)
        about = escape_line(redact_for_publication(direction.title, redactor_of(experiment)))
        commit, found = _commit_agent_work(tree, meta, box, f"{about}\n\nBy {config.name}.\n")
    faults = [*found, *_faults(experiment, meta, work, commit, honest)]
    withheld = any(fault.code == Refusal.VERIFY_SEEN for fault in faults)
    record = keep(experiment, work, faults, withheld=withheld)
    proposal = parse_proposal(work.result.text)
    if faults or not isinstance(proposal, Proposal):
        why = redact_for_publication(
            _refusal_message(experiment, config, faults, record), redactor_of(experiment)
        )
        raise AgentRefused(why, [fault.code for fault in faults])
    return _change(experiment, meta, commit, (proposal, direction, source))


def _commit_agent_work(
    tree: Copies, meta: IterationMeta, box: AgentFolders, message: str
) -> tuple[str, list[Fault]]:
    """Commit the current content of the copy; the base itself if git cannot store it."""
    try:
        commit = tree.take(meta.main_commit, box.tree, message=message, when=meta.created)
    except TargetError as error:
        return meta.main_commit, [Fault(code=Breach.NOT_A_FILE, text=str(error))]
    return commit, []


def _prompt(
    experiment: Experiment,
    config: AgentConfig,
    idea: tuple[Direction, Sequence[str]],
    box: AgentFolders,
) -> str:
    """The request: the direction, and the known failure modes of the step."""
    direction, known = idea
    step = experiment.context.step(experiment.step)
    budget = refusals.budget_of(config)
    edits = config.kind not in ("api", "scripted")
    names = dict.fromkeys(filter(None, (step.prompt, step.schema_path)))
    if not edits:
        names |= dict.fromkeys(name for name in _names_in(box.tree) if is_allowed(name, budget))
    files = [(n, (box.tree / n).read_text("utf-8", "replace")) for n in list(names)[:MOST_FILES]]
    values = requests.to_implement(
        experiment.step, direction, budget, files, known=known, edits=edits
    )
    return requests.render(template_of(experiment, requests.IMPLEMENT), values)


def _names_in(tree: Path) -> list[str]:
    found = (path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path.relative_to(tree).as_posix() for path in found if ".git" not in path.parts]


def _faults(
    experiment: Experiment, meta: IterationMeta, work: Work, commit: str, honest: str
) -> list[Fault]:
    """Every reason to reject the work: how it ended, what it changed, secrets in it."""
    tree = copies(experiment.context, meta.target)
    changed = tree.changes(meta.main_commit, commit)
    contents = tree.contents(meta.main_commit, commit)
    proposal = parse_proposal(work.result.text)
    before, after = (
        "\n".join(pair[side].decode("utf-8", "replace") for pair in contents.values())
        for side in (0, 1)
    )
    # Its block may contain \uXXXX escapes, so the text is checked as it is published.
    said = {} if isinstance(proposal, Fault) else proposal.published_texts
    written = "\n".join((after, *contents, work.result.text, *said.values()))
    ended = refusals.of_ending(work.result, work.config)
    missing = [proposal] if isinstance(proposal, Fault) else []
    missing += refusals.of_changes(changed, work.config, work.result.bad_paths)
    return [
        *ended,
        *(fault for fault in missing if not ended or fault.code not in refusals.BY_ITS_END),
        *_prompt_faults(experiment, contents),
        *refusals.of_texts(contents),
        *refusals.of_secrets(contents, redactor_of(experiment), said),
        *refusals.of_verify(
            written,
            work.result.transcript,
            f"{honest}\n{before}\n{work.prompt}",
            train=plan_texts(experiment, meta, Split.TRAIN),
            verify=plan_texts(experiment, meta, Split.VERIFY),
        ),
    ]


def _prompt_faults(experiment: Experiment, contents: Contents) -> list[Fault]:
    """The reason if the prompt that it wrote would be sent without its input."""
    path = experiment.context.step(experiment.step).prompt
    text = contents.get(path, (b"", b""))[1].decode("utf-8", "replace")
    fault = find_fault_in(experiment.context, experiment.step, text) if text else None
    return [Fault(code=Refusal.BAD_PROMPT, text=f"{path!r} {fault}")] if fault else []


def _change(
    experiment: Experiment, meta: IterationMeta, commit: str, said: tuple[Proposal, Direction, str]
) -> Change:
    """Publish the commit and open its pull request."""
    proposal, direction, source = said
    redactor = redactor_of(experiment)
    title, description = (
        escape_line(redact_for_publication(proposal.title, redactor)) or "A change without a title",
        escape_markdown(redact_for_publication(proposal.description, redactor)),
    )
    branch = f"prompt-lab/{meta.iteration}-{meta.agent}"
    before, after = version_at(experiment, meta.main_commit), version_at(experiment, commit)
    copied = leaks(before.text, after.text, [], plan_texts(experiment, meta, Split.TRAIN))
    copies(experiment.context, meta.target).publish(commit, branch)
    body = (
        f"{description}\n\nWritten by the agent {meta.agent}.\nFrom: {source}\n"
        f"Direction: {escape_line(direction.title)}\n{escape_markdown(evidence(direction))}"
    )
    pull = experiment.context.code_host(meta.target).open_pull(
        branch,
        base=meta.main,
        title=title,
        body=redact_for_publication(body, redactor),
        when=meta.created,
    )
    return Change(
        branch=branch,
        commit=commit,
        base_commit=meta.main_commit,
        strategy=meta.agent,
        source=source,
        direction=direction.title,
        rank_score=direction.rank_score,
        title=title,
        description=description,
        shown=tuple(dict.fromkeys(leak.plan for leak in copied)),
        pull=pull.number,
        pull_url=pull.url,
    )


def _refusal_message(
    experiment: Experiment, config: AgentConfig, faults: list[Fault], record: Path
) -> str:
    return (
        f"The work of agent {config.name!r} was rejected, and nothing of it was kept in the "
        f"target:\n{in_words(faults)}\nIts record is {record}. The same command asks the agent "
        f"again; for a built-in strategy instead: prompt-lab give-up --number {experiment.number}, "
        "then a new iteration without --agent."
    )
