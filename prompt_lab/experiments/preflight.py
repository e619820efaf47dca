"""Checks before the first call: gold, prompt, schema, the change that the user names."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prompt_lab.agents.requests import IMPLEMENT, INSIGHT, REVIEW
from prompt_lab.agents.requests import check_template as check_asked
from prompt_lab.config.lab import JudgeConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import (
    ConfigError,
    LabError,
    ModelUnavailable,
    NoSuchCommit,
    PullEnded,
    StoreError,
    TargetError,
)
from prompt_lab.evaluate.llm_judge import check_independent, check_template
from prompt_lab.evaluate.schema import check_schema
from prompt_lab.experiments.agent_work import agent_of, analysts_of, ready, template_of, unread
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import is_writable, version_of
from prompt_lab.experiments.merge_preview import check_base
from prompt_lab.experiments.sources import check_plan, check_sources
from prompt_lab.names import Split
from prompt_lab.records import Change
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import Conclusion
from prompt_lab.store.plans import digest, has_gold, read_plan, set_digest

SHOWN = 5
JUDGE_TEMPLATE = "judge.md.j2"


def checked_plans(experiment: Experiment, plans: Sequence[str], *, split: Split) -> str:
    """The digest of a plan set; raises StoreError with every plan that the step cannot use.

    A plan of a step with a judge may be without gold.
    """
    adapter, folder = (
        experiment.context.adapter(experiment.step),
        experiment.context.lab.plans(split),
    )
    judged = experiment.context.step(experiment.step).judge is not None
    faults, read = [], []
    for name in plans:
        try:
            check_plan(adapter, folder / name)
            read.append(digest(read_plan(folder / name, adapter.inputs, adapter.outputs)))
            if not judged or has_gold(folder / name, adapter.outputs):
                adapter.check_gold(folder / name)
        except LabError as error:
            faults.append(str(error))
    if faults:
        more = f"\n… and {len(faults) - SHOWN} more plans" if len(faults) > SHOWN else ""
        raise StoreError("\n".join(faults[:SHOWN]) + more)
    return set_digest(dict(zip(plans, read, strict=True)))


def check_step(experiment: Experiment) -> None:
    """Raises LabError if no run could use the step's file or interpreter."""
    experiment.context.adapter(experiment.step).check()


def check_judge(
    experiment: Experiment, models: Sequence[ModelConfig]
) -> tuple[JudgeConfig | None, str]:
    """The step's judge, and its template; (None, '') if the scores decide.

    Raises LabError if the judge is unknown, cannot be used, or is one of the models, or if its
    template lacks what it has to compare.
    """
    ctx, config = experiment.context, experiment.context.step(experiment.step).judge
    if config is None:
        return None, ""
    [model] = ctx.select_models([config.model])
    place = ctx.files.place("steps", experiment.step)
    why = ctx.why_not(model)
    if why:
        raise ModelUnavailable(
            f"{place}: judge {model.alias!r} cannot be used: {why}. Fix that, or name another."
        )
    if not config.allow_self:
        check_independent(model, models)
    path = ctx.files.prompt(JUDGE_TEMPLATE)
    try:
        template = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [f"{path}: cannot be read ({unread(error)}); the judge of {place} needs it"]
        ) from error
    check_template(template, str(path))
    template = _find_registered(experiment) or template
    return config.model_copy(update={"model": model.alias}), template


def _find_registered(experiment: Experiment) -> str:
    """The judge's template of the registry; '' where there is none, or it lacks a part."""
    routes = experiment.context.prompt_routes
    registered = routes.find_template("llm_judge") if routes else ""
    try:
        if registered:
            check_template(registered, "llm_judge")
    except ConfigError:
        return ""
    return registered


def check_agents(experiment: Experiment) -> None:
    """Raises LabError if the agent that implements cannot be used, or for a bad template.

    An analyst that cannot be used stops no iteration; its page says so.
    """
    agent = "" if experiment.change_ref else agent_of(experiment)
    if agent:
        ready(experiment, agent)
    others = [name for name in analysts_of(experiment) if experiment.context.analyst(name) is None]
    wanted = [*([IMPLEMENT] if agent else []), *([INSIGHT, REVIEW] if others else [])]
    for name in wanted:
        place = str(experiment.context.files.prompt(name))
        check_asked(template_of(experiment, name), place)


def check_change(experiment: Experiment, main: str, main_commit: str) -> None:
    """Raises LabError if the change cannot be tested, or the prompt cannot be sent."""
    check_version(experiment.context, experiment.step, main_commit)
    host = experiment.context.code_host(experiment.context.step(experiment.step).target)
    workspace = experiment.context.workspace(experiment.context.step(experiment.step).target)
    branch, flag = str(experiment.branch), f"--branch {experiment.branch}"
    wanted = f"refs/heads/{branch}"
    if experiment.pr:
        with _naming_the_iteration(experiment):
            pull = host.verify(int(experiment.pr), base=main)
        branch, flag = pull.branch, f"--pr {pull.number} (branch {pull.branch!r})"
        wanted = pull.head
    elif not branch and experiment.skip_implement:
        raise ConfigError(
            ["--skip-implement: name the change that exists already with --branch or --pr"]
        )
    if not branch:
        if not agent_of(experiment) and not experiment.follow_up:
            _check_writable(experiment, main_commit)
        return
    try:
        commit = workspace.resolve(wanted)
    except NoSuchCommit as error:
        raise TargetError(f"{flag}: the target has no such branch. {error}") from error
    if commit == main_commit:
        raise TargetError(f"{flag}: has no commit that {main!r} lacks: commit the change first.")
    if experiment.branch and not experiment.pr:
        with _naming_the_iteration(experiment):
            host.check_branch(branch, base=main)
    check_base(experiment, commit, onto=main, flag=flag)
    check_version(experiment.context, experiment.step, commit)


@contextmanager
def _naming_the_iteration(experiment: Experiment) -> Iterator[None]:
    """Say of an ended pull request first which iteration measured it, and how that ended."""
    try:
        yield
    except PullEnded as error:
        lab, step = experiment.context.lab, experiment.step
        for number, name in sorted(iterations(lab).items(), reverse=True):
            folder = lab.iteration(number, name)
            change = read_if_whole(folder / "change.json", Change)
            end = read_if_whole(folder / "conclusion.json", Conclusion)
            if name != step or change is None or end is None:
                continue
            if experiment.branch == change.branch or str(experiment.pr) == str(change.pull):
                raise PullEnded(
                    f"iteration {number}: {end.outcome}, {end.action}. {error}"
                ) from error
        raise


def _check_writable(experiment: Experiment, commit: str) -> None:
    """Raises ConfigError if the prompt is part of a module, which no strategy can edit."""
    config = experiment.context.step(experiment.step)
    if not is_writable(experiment, commit):
        raise ConfigError(
            [
                f"step {experiment.step!r}: its prompt is part of {config.prompt!r}, which is not "
                "rewritten here: change it on a branch of the target, and name that with --branch"
            ]
        )


def check_version(ctx: LabContext, step: str, commit: str) -> None:
    """Check the prompt and the schema of a step at a commit.

    Raises TargetError if the prompt is missing or lacks its input, or the schema is no JSON object.
    """
    config = ctx.files.place("steps", step)
    check_sources(ctx, step, commit)
    try:
        version = version_of(ctx, step, commit)
    except TargetError as error:
        raise TargetError(f"{error}: commit it there, or correct its path in {config}.") from error
    fault = find_fault_in(ctx, step, version.text)
    if fault:
        raise TargetError(
            f"{version.path!r} at commit {commit[:12]!r} {fault}. Correct it in the target."
        )
    if not version.schema_path:
        return
    try:
        schema = json.loads(version.schema_text)
        check_schema(schema)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise TargetError(
            f"{version.schema_path!r} at commit {commit[:12]!r} is no JSON schema of an object: "
            f"{error}. Correct it in the target."
        ) from error


def find_fault_in(ctx: LabContext, step: str, text: str) -> str | None:
    """Why a prompt would be sent without its input, or None. Unknown for code of the target."""
    return ctx.adapter(step).find_prompt_fault(text)


def describe_version(ctx: LabContext, step: str, commit: str) -> str:
    """The placeholder style of a step's prompt at a commit; '' if only its own code knows it."""
    return ctx.adapter(step).describe_prompt(version_of(ctx, step, commit).text)
