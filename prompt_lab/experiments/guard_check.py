"""The guard on every candidate, from any source: before any call, and with a line in the log."""

from prompt_lab.clock import utc_now
from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import version_at
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.prompts.guard import GuardCode, PromptCandidate, Refusal, check_prompt
from prompt_lab.prompts.manifest import PromptConstraints, PromptManifest
from prompt_lab.store.iterations import IterationMeta, read_change, read_meta
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verdicts import open_registry

_WITHOUT_MANIFEST = frozenset(
    (GuardCode.REASONING, GuardCode.PARSE_DEBRIS, GuardCode.SECRET, GuardCode.INVISIBLE)
)
"""What is wrong in any prompt. A target's own prompt has no manifest that says more."""
_NO_LIMITS = PromptManifest(
    id="target",
    scope="specific",
    constraints=PromptConstraints(shortest=0, longest=1 << 30, size_factor=float(1 << 30)),
)


def guard_text(
    experiment: Experiment, meta: IterationMeta, text: str, base: str
) -> tuple[Refusal, ...]:
    """What the guard has against a text in the place of the prompt at commit `base`."""
    if meta.registry_prompt:
        return open_registry(experiment.context.lab).guard(meta.registry_prompt, text)
    before = version_at(experiment, base).text
    found = check_prompt(PromptCandidate(text, _NO_LIMITS, before))
    return tuple(one for one in found if one.code in _WITHOUT_MANIFEST)


def log_refusals(
    experiment: Experiment, meta: IterationMeta, refusals: tuple[Refusal, ...], source: str
) -> None:
    """Append the codes to lab/prompts/refusals.jsonl; `source` is a branch or a strategy."""
    name = meta.registry_prompt or f"{meta.target}:{experiment.context.step(meta.step).prompt}"
    why = PromotionReason(WORKER, source, utc_now())
    open_registry(experiment.context.lab).guards.log(name, refusals, why)


def guard_under_test(experiment: Experiment, *, log: bool = False) -> tuple[Reason, ...]:
    """The finding that the guard refuses the change under test, if so; () else."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    commits = (change.base_commit, change.commit)
    refusals = _guard_change(experiment, meta, commits)
    if refusals and log:
        log_refusals(experiment, meta, refusals, change.branch)
    return _void(experiment, meta, refusals, commits, change.branch)


def guard_given(experiment: Experiment, meta: IterationMeta) -> tuple[Reason, ...]:
    """The same for a change that the user names, before it is prepared."""
    workspace, branch = experiment.context.workspace(meta.target), meta.given
    wanted = f"refs/heads/{branch}"
    if branch[:1] == "#" and branch[1:].isdecimal():
        pull = experiment.context.code_host(meta.target).verify(int(branch[1:]), base=meta.main)
        branch, wanted = pull.branch, pull.head
    commits = (meta.main_commit, workspace.resolve(wanted))
    return _void(experiment, meta, _guard_change(experiment, meta, commits), commits, branch)


def _guard_change(
    experiment: Experiment, meta: IterationMeta, commits: tuple[str, str]
) -> tuple[Refusal, ...]:
    before, after = (version_at(experiment, commit).text for commit in commits)
    return guard_text(experiment, meta, after, commits[0]) if before != after else ()


def _void(
    experiment: Experiment,
    meta: IterationMeta,
    refusals: tuple[Refusal, ...],
    commits: tuple[str, str],
    branch: str,
) -> tuple[Reason, ...]:
    """The finding that makes a verdict INVALID, with the fix."""
    said = [f"{one.code.value}: {one.text}" for one in refusals]
    others = _other_prompts(experiment, meta, commits)
    if others:
        said.append(f"other prompts of the registry are changed too: {', '.join(others)}")
    if not said:
        return ()
    text = (
        f"The guard refuses the candidate's prompt ({'; '.join(said)}). Fix that in a commit on the"
        f" branch, and test it with --branch {branch}."
    )
    facts = {"codes": ", ".join(one.code.value for one in refusals), "others": ", ".join(others)}
    return (Reason(code=Code.GUARD_REFUSED, text=text, facts=facts),)


def _other_prompts(
    experiment: Experiment, meta: IterationMeta, commits: tuple[str, str]
) -> list[str]:
    """Prompts of the registry that the change touches besides the one on trial."""
    registry = experiment.context.target(meta.target).registry
    paths = {path: name for name, path in registry.items() if name != meta.registry_prompt}
    workspace = experiment.context.workspace(meta.target)
    before, after = (workspace.blobs(commit, paths) for commit in commits)
    return sorted(name for path, name in paths.items() if before.get(path) != after.get(path))
