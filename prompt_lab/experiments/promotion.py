"""A YES becomes a promotion: of the registry's prompt, or as the record of a git target's merge."""

import getpass

from prompt_lab.clock import utc_now
from prompt_lab.errors import CodeHostError, StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.prompts.snapshots import (
    Actor,
    ActorKind,
    GitMove,
    PromotionKind,
    PromotionRecord,
    digest_text,
)
from prompt_lab.records import Change
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import FACTS, IterationMeta, read_meta
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import CandidateText, open_registry
from prompt_lab.store.prompt_verify import list_changes

WORKER = Actor(name="prompt-lab", kind=ActorKind.WORKER)


def person() -> Actor:
    """The user who typed the command."""
    try:
        return Actor(name=getpass.getuser(), kind=ActorKind.PERSON)
    except (KeyError, OSError):  # a container without an entry for its user
        return Actor(name="unknown user", kind=ActorKind.PERSON)


def is_promoted(experiment: Experiment, change: Change) -> bool:
    """Whether the registry has the candidate's text already, by this iteration's verdict."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if not meta.registry_prompt:
        return False
    registry = open_registry(experiment.context.lab)
    found = _find_promotion(registry, meta, experiment.folder.name)
    digest = digest_text(_candidate_text(experiment, meta, change))
    current = registry.read_current()[1].prompts.get(meta.registry_prompt)
    return found is not None and current == digest


def promote_candidate(
    experiment: Experiment, change: Change, *, when: str
) -> PromotionRecord | None:
    """Make the candidate's text current in the registry, by the verdict of its iteration.

    None where the prompt is the target's own. A repeated call returns the first one's row. Raises
    PromotionRefused.
    """
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if not meta.registry_prompt:
        return None
    registry = open_registry(experiment.context.lab)
    if is_promoted(experiment, change):
        return _find_promotion(registry, meta, experiment.folder.name)
    text = _candidate_text(experiment, meta, change)
    why = PromotionReason(WORKER, f"#{change.pull}: {change.title}", when)
    verdicts = {meta.registry_prompt: experiment.folder.name}
    return registry.promote({meta.registry_prompt: text}, verdicts, why)


def undo_promotion(
    experiment: Experiment, row: PromotionRecord | None, error: CodeHostError
) -> None:
    """Roll a promotion back whose merge failed, unless the pointer has moved on since."""
    if row is None:
        return
    registry = open_registry(experiment.context.lab)
    if registry.files.read_pointer() == row:
        text = f"Row {row.sequence} failed half-way: {error}"
        registry.roll_back(row.from_snapshot, PromotionReason(WORKER, text, utc_now()))


def record_merge(experiment: Experiment, change: Change, merged: str, *, when: str) -> None:
    """Write a git target's merge into the promotions, once; a registry prompt has its row."""
    context = experiment.context
    meta = read_meta(context.lab, experiment.number, experiment.step)
    if meta.registry_prompt or not merged:
        return
    tried = read_if_whole(experiment.folder / FACTS, CandidateText)
    move = _git_move(context, meta, merged, pull=change.pull)
    move = move.model_copy(update={"text_sha256": tried.sha256 if tried else ""})
    open_registry(context.lab).record_git_move(
        PromotionKind.PROMOTE,
        move,
        {f"{move.target}:{move.path}": experiment.folder.name},
        PromotionReason(WORKER, f"#{change.pull}: {change.title}", when),
    )


def record_revert(
    context: LabContext, meta: IterationMeta, merged: str, *, pull: int | None, reason: str
) -> None:
    """Write the merge of a revert into the promotions, once; a registry prompt has its rollback."""
    if not meta.registry_prompt:
        open_registry(context.lab).record_git_move(
            PromotionKind.ROLLBACK,
            _git_move(context, meta, merged, pull=pull),
            {},
            PromotionReason(person(), reason, utc_now()),
        )


def roll_back_iteration(context: LabContext, meta: IterationMeta, reason: str) -> None:
    """Have the registry no longer serve the text that an iteration promoted.

    Does nothing where it is no longer current. Raises StoreError where other prompts were changed
    since: a rollback would take these back too.
    """
    if not meta.registry_prompt:
        return
    registry, verdict_id = open_registry(context.lab), f"{meta.iteration}_{meta.step}"
    row = _find_promotion(registry, meta, verdict_id)
    if row is None:
        return
    now, _ = registry.read_current()
    name = meta.registry_prompt
    since = list_changes(registry.files, row.model_copy(update={"from_snapshot": now}))
    if name in since:
        return
    if since:
        raise StoreError(
            f"Since iteration {meta.iteration} promoted {name!r}, {', '.join(map(repr, since))}"
            " were changed too, and a snapshot holds all prompts. Choose the one to go back to with"
            " `prompt-lab prompts history`, and run `prompt-lab prompts rollback`."
        )
    registry.roll_back(row.from_snapshot, PromotionReason(person(), reason, utc_now()))


def _find_promotion(
    registry: PromptRegistry, meta: IterationMeta, verdict_id: str
) -> PromotionRecord | None:
    """The newest row that this verdict promoted."""
    rows = registry.files.read_journal(kind=PromotionKind.PROMOTE)
    name = meta.registry_prompt
    return next((r for r in reversed(rows) if r.verdicts.get(name) == verdict_id), None)


def _candidate_text(experiment: Experiment, meta: IterationMeta, change: Change) -> str:
    path = experiment.context.target(meta.target).registry[meta.registry_prompt]
    return experiment.context.workspace(meta.target).read(change.commit, path)


def _git_move(
    context: LabContext, meta: IterationMeta, merged: str, *, pull: int | None
) -> GitMove:
    return GitMove(
        target=meta.target,
        branch=meta.main,
        path=context.step(meta.step).prompt,
        before=context.workspace(meta.target).resolve(f"{merged}^"),
        after=merged,
        pull=pull,
    )
