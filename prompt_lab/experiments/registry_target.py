"""Steps whose prompt is one of the lab's registry: the target's file follows the registry."""

from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import ConfigError, TargetError
from prompt_lab.experiments.context import LabContext
from prompt_lab.prompts.snapshots import PromotionRecord
from prompt_lab.report.terminal import say
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry


def registry_prompt(context: LabContext, step: str) -> str:
    """The registry's id of a step's prompt; '' where the prompt is the target's own."""
    config = context.step(step)
    paths = context.target(config.target).registry
    return next((name for name, path in paths.items() if path == config.prompt), "")


def find_step(context: LabContext, prompt_id: str, wanted: str) -> str:
    """The step of this registry prompt that takes the input file `wanted`; '' where none does."""
    for name, config in context.files.entries("steps", StepConfig).items():
        if wanted in config.inputs and registry_prompt(context, name) == prompt_id:
            return name
    return ""


def current_snapshot(context: LabContext, step: str) -> str:
    """The id of the current snapshot for a step with a registry prompt; else ''."""
    return open_registry(context.lab).read_current()[0] if registry_prompt(context, step) else ""


def take_snapshot(context: LabContext, target: str, *, when: str) -> str:
    """Have the target's main hold the current snapshot; returns the pull request's URL, or ''.

    What differs there, be it after a rollback or an edit by hand, is changed by a pull request of
    ours, and reported. May be repeated. Raises ConfigError for a prompt that the registry lacks.
    """
    config = context.target(target)
    if not config.registry:
        return ""
    registry = open_registry(context.lab)
    row = registry.files.read_pointer()
    workspace, host = context.workspace(target), context.code_host(target)
    main = workspace.resolve(config.main)
    files = _differing_files(context, target, registry, main)
    if not files or row is None:
        return ""
    snapshot = row.to_snapshot[:12]
    title = f"Take the prompts of snapshot {snapshot}"
    body = (
        f"{config.main!r} held another text in {', '.join(map(repr, sorted(files)))}. The registry"
        f" is at {_describe(row)}. To keep another text, test it as a branch."
    )
    branch = f"prompt-lab/snapshot-{snapshot}-{main[:12]}"
    commit = workspace.commit_files(main, branch, files, message=title, when=row.when)
    pull = host.open_pull(branch, base=config.main, title=title, body=body, when=when)
    host.comment(pull.number, key="snapshot", body=body, when=when)
    host.merge(
        pull.number, expected_head=commit, message=f"Merge #{pull.number}: {title}", when=when
    )
    say(f"{title} into {config.main!r} of {target!r} ({pull.url}). {body}")
    return pull.url


def _differing_files(
    context: LabContext, target: str, registry: PromptRegistry, commit: str
) -> dict[str, str]:
    workspace, differing = context.workspace(target), {}
    _, snapshot = registry.read_current()
    for prompt_id, path in context.target(target).registry.items():
        if prompt_id not in snapshot.prompts:
            raise ConfigError(
                [
                    f"target {target!r}: registry: {prompt_id!r} is not there: add it with"
                    " `prompt-lab prompts import FOLDER`"
                ]
            )
        text = registry.files.read_version(snapshot.prompts[prompt_id])
        try:
            known = workspace.read(commit, path)
        except TargetError:  # the file is not there yet
            known = ""
        if known != text:
            differing[path] = text
    return differing


def _describe(row: PromotionRecord) -> str:
    return f"snapshot {row.to_snapshot[:12]} since row {row.sequence} ({row.kind.value})"
