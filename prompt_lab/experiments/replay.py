"""Replay: compute old verdicts again from the raw rows, under their own policy or another one."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from prompt_lab.decide.replay import at_replayed_alpha, differences
from prompt_lab.decide.verdict import Policy, Verdict, explain, sealed_view
from prompt_lab.errors import ConfigError, LabError, StoreError
from prompt_lab.evaluate.challenge_sets import ChallengeSet, Tombstone
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import batch_of, find_changed_plans
from prompt_lab.experiments.past import VERDICT_LOST, in_history, verdict_is_lost
from prompt_lab.names import Split, count
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import VERDICT, read_meta
from prompt_lab.store.layout import Lab
from prompt_lab.store.sealed import SEALED_VERDICT, is_sealed, was_confirming, whole_verdict

WIDEST = 160
SHOWN = 5


class Differs(LabError):
    """A stored verdict differs from what its rows give."""


class Replayed(NamedTuple):
    """One iteration: whether the replay gives the same, and one or more lines about it."""

    same: bool
    text: str


def replay(context: LabContext, number: str, policy: str) -> list[Replayed]:
    """Compute old verdicts again from their rows. Raises LabError if there are none.

    `number` is an iteration's number or 'all'; `policy` applies another policy instead.
    """
    wanted, lost = _find_verdicts(context, number)
    other = context.policy(policy) if policy else None
    stones = read_tombstones(context.lab)
    found = [
        (e, _replay_under_policy(e, old, other) if other else _replay_verdict(e, old, stones))
        for e, old in wanted
    ]
    return [_name_tombstones(replayed, e, stones) for e, replayed in found] + lost


def render_replay(found: Sequence[Replayed], policy: str) -> tuple[str, str]:
    """(text for the terminal, the failure or '')."""
    wrong = sum(not replayed.same for replayed in found)
    text = "\n".join(replayed.text for replayed in found)
    if policy:
        return f"{text}\n{wrong} of {len(found)} verdicts would differ under policy {policy!r}.", ""
    if wrong:
        return text, f"{wrong} of {len(found)} stored verdicts differ from what their rows give."
    return f"{text}\n{len(found)} verdicts, computed again from their rows: identical.", ""


def _find_verdicts(
    context: LabContext, wanted: str
) -> tuple[list[tuple[Experiment, Verdict]], list[Replayed]]:
    """The iterations with a verdict of ours, by number, and those whose verdict is missing."""
    known = iterations(context.lab)
    if wanted != "all" and not wanted.isdigit():
        raise ConfigError([f"--number {wanted}: give an iteration's number, or all"])
    chosen = sorted(known) if wanted == "all" else [int(wanted)]
    found, lost = [], []
    for number in chosen:
        folder = context.lab.iteration(number, known.get(number, ""))
        path = folder / VERDICT
        old = whole_verdict(folder)
        if old is None and verdict_is_lost(folder):
            lost.append(Replayed(False, f"{number}: {VERDICT_LOST}: {in_history(path)}"))
        elif old is not None:
            try:
                context.step(known[number])
            except LabError as error:  # a step that is gone, or a folder renamed
                lost.append(Replayed(False, f"{number}: cannot be computed again: {error}"))
            else:
                found.append((Experiment(context, known[number], number), old))
    if not found and not lost:
        raise StoreError(f"{context.lab.analysis}: no verdict there to replay")
    return found, lost


def read_tombstones(lab: Lab) -> dict[str, Tombstone]:
    """By the plan's name: what is left of plans whose traces were erased. Raises StoreError."""
    files = sorted((lab.root / "challenge_sets").glob("*.json"))
    fix = "restore it from the lab's git history"
    sets = [read_record(path, ChallengeSet, fix=fix) for path in files]
    return {stone.name: stone for one in sets for stone in one.tombstones}


def _name_tombstones(
    replayed: Replayed, experiment: Experiment, stones: Mapping[str, Tombstone]
) -> Replayed:
    """The replay with the plans of the iteration that are no longer there to be looked at."""
    names = sorted(stones.keys() & _plans_run(experiment))
    if not names:
        return replayed
    listed = _list_names(names, [f"{name!r} ({stones[name].erased[:10]})" for name in names])
    text = f"{count(len(names), 'plan')} erased since, with inputs and answers: {listed}"
    return Replayed(replayed.same, f"{replayed.text}\n  {text}")


def _plans_run(experiment: Experiment) -> set[str]:
    batches = [batch_of(experiment, split.value) for split in Split]
    return {name for batch in batches if batch is not None for name in batch.plans}


def _list_names(names: Sequence[str], shown: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def _replay_verdict(
    experiment: Experiment, old: Verdict, stones: Mapping[str, Tombstone]
) -> Replayed:
    try:
        new, _ = decide_iteration(experiment, order=old.reason_order, recorded=old)
    except LabError as error:
        return Replayed(False, f"{experiment.number}: cannot be computed again: {error}")
    hidden = is_sealed(experiment.folder) and was_confirming(experiment.folder)
    sealed = experiment.folder / SEALED_VERDICT
    stored = (sealed if sealed.exists() else experiment.folder / VERDICT).read_text("utf-8")
    # A verdict of an earlier version is compared in the keys that it had.
    if new.model_dump_json(indent=2, include=old.model_fields_set) + "\n" == stored:
        noted = f"identical ({new.outcome.value}){_scored_with(experiment, stones)}"
        return Replayed(True, f"{experiment.number}: {noted}")
    lines = differences(old, new) or ["the same numbers, written in another way"]
    if hidden:
        lines = ["its figures are sealed: `prompt-lab reveal` of it shows them"]
    shown = "".join(f"\n  {line[:WIDEST]}" for line in lines)
    return Replayed(False, f"{experiment.number}: differs{shown}")


def _scored_with(experiment: Experiment, erased: Container[str]) -> str:
    """A note that plans have changed since the runs; '' if none has."""
    batches = [batch for split in Split if (batch := batch_of(experiment, split.value)) is not None]
    changed = {name for batch in batches for name in find_changed_plans(experiment, batch)}
    names = sorted(name for name in changed if name not in erased)
    if not names:
        return ""
    listed = _list_names(names, [repr(name) for name in names])
    return f", with scores from before these plans were changed: {listed}"


def _replay_under_policy(experiment: Experiment, old: Verdict, policy: Policy) -> Replayed:
    """The same rows under another policy, at the alpha of the old trial or of its own rule."""
    try:
        new, _ = decide_iteration(experiment, at_replayed_alpha(policy, old.alpha), recorded=old)
    except LabError as error:
        return Replayed(False, f"{experiment.number}: cannot be computed again: {error}")
    before, after = old.outcome.value, new.outcome.value
    if new.needs_verify and policy.seals:
        meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
        size = count(len(meta.plans[Split.VERIFY]), "verify plan")
        text = f"{experiment.number}: {before} -> would go on to {size}, which were not run:"
        return Replayed(False, f"{text} {explain(new).text}")
    if before == after:
        return Replayed(True, f"{experiment.number}: {before}, as before")
    if is_sealed(experiment.folder):
        new = sealed_view(new)
    return Replayed(False, f"{experiment.number}: {before} -> {after}: {explain(new).text}")
