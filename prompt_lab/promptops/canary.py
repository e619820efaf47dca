"""Canaries: a tried candidate on a share of the live traffic, beside a control arm of equal size.

A canary can only abort. It passes once its planned pairs are in; the promotion then needs the
offline YES, as any other does. What a person pinned, forced or rolled back meanwhile stands. Its
sequential test goes on from the alpha that the trial had spent (decide/canary.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from prompt_lab.config.promptops import CanaryConfig
from prompt_lab.decide.canary import NO_TRIAL, CanaryCheck, OfflineTrial, check_canary
from prompt_lab.errors import StoreError
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.outcomes import CallOutcome
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.records import Canary
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRefused
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verify import list_changes

SLOWER = 0.25
"""Share by which a median may be longer where it is beyond the budget."""
FIX = "Remove it: its canary then ends, and the current prompt stays"


class LiveTraffic(NamedTuple):
    """What canaries work on."""

    lab: Lab
    registry: PromptRegistry
    outcomes: OutcomeStore
    config: CanaryConfig
    latency_budget_ms: float = 5000.0


class CanaryCandidate(NamedTuple):
    """A text for a canary. Without a YES verdict a named person must force it."""

    prompt_id: str
    text: str
    verdict_id: str = ""
    forced_by: str = ""
    offline: OfflineTrial = NO_TRIAL


class CanaryEnd(NamedTuple):
    """What became of a canary in one look."""

    canary: Canary
    check: CanaryCheck | None
    text: str


def canary_file(lab: Lab, prompt_id: str) -> Path:
    """Where the canary of a prompt is."""
    return lab.root / "promptops" / "canaries" / f"{prompt_id}.json"


def read_canary(lab: Lab, prompt_id: str) -> Canary | None:
    """The last canary of a prompt, or None. Raises StoreError for a damaged file."""
    path = canary_file(lab, prompt_id)
    return read_record(path, Canary, fix=FIX) if path.exists() else None


def running_canaries(lab: Lab) -> list[Canary]:
    """The canaries under way. Raises StoreError for a damaged file."""
    folder = canary_file(lab, "x").parent
    found = (read_record(path, Canary, fix=FIX) for path in sorted(folder.glob("*.json")))
    return [one for one in found if one.state == "running"]


def start_canary(live: LiveTraffic, tried: CanaryCandidate, *, seed: int, now: str) -> Canary:
    """Serve a candidate to its share of the units.

    Raises StoreError where one is under way, or there is neither a verdict nor a person, and
    PromotionRefused where the guard refuses the text.
    """
    lab, registry, prompt_id = live.lab, live.registry, tried.prompt_id
    known = read_canary(lab, prompt_id)
    if known is not None and known.state == "running":
        raise StoreError(f"{canary_file(lab, prompt_id)}: a canary of {prompt_id!r} is under way")
    if not tried.verdict_id and not tried.forced_by.strip():
        raise StoreError(
            f"a canary of {prompt_id!r} takes a YES verdict, or a named person who forces it"
        )
    if refusals := registry.guard(prompt_id, tried.text):
        raise PromotionRefused(f"{prompt_id!r}: " + "; ".join(one.text for one in refusals))
    control = registry.read_current()[1].prompts[prompt_id]
    with registry.files.hold():
        candidate = registry.files.write_version(tried.text)
    canary = Canary(
        prompt_id=prompt_id,
        candidate=candidate,
        control=control,
        verdict_id=tried.verdict_id,
        share=live.config.share,
        seed=seed,
        started=now,
        forced_by=tried.forced_by,
        trial_plans=tried.offline.plans,
        trial_alpha=tried.offline.alpha,
    )
    write_record(canary_file(lab, prompt_id), canary)
    facts = {"prompt_id": prompt_id, "candidate": candidate, "forced_by": tried.forced_by}
    note(lab, "canary_started", now, **facts)
    return canary


class _Arms:
    """What the two arms of a canary brought: of each unit its first known result, and times."""

    def __init__(self, canary: Canary, outcomes: Iterable[CallOutcome]) -> None:
        self.results: dict[str, dict[str, float]] = {"control": {}, "canary": {}}
        self.times: dict[str, list[float]] = {"control": [], "canary": []}
        for one in outcomes:
            if not one.arm or one.when < canary.started:
                continue
            result = read_result(one)
            if result is not None:
                self.results[one.arm].setdefault(one.unit or one.trace, result)
            if one.latency_ms is not None:
                self.times[one.arm].append(one.latency_ms)

    def check(self, config: CanaryConfig, offline: OfflineTrial) -> CanaryCheck:
        """The sequential check of the results, which goes on after the trial."""
        return check_canary(
            list(self.results["control"].values()),
            list(self.results["canary"].values()),
            alpha=config.alpha,
            most_pairs=config.most_calls // 2,
            least_pairs=config.least_units,
            margin=config.harm_margin,
            offline=offline,
        )


def read_result(outcome: CallOutcome) -> float | None:
    """A call's result in [0, 1]: measured success, or the score, and the person's thumb.

    Where measurement and thumb are both known it is their mean; None where nothing is.
    """
    measured = outcome.score if outcome.success is None else float(outcome.success)
    thumb = {"up": 1.0, "down": 0.0}.get(outcome.feedback)
    known = [value for value in (measured, thumb) if value is not None]
    return sum(known) / len(known) if known else None


def advance_canary(live: LiveTraffic, canary: Canary, *, now: str) -> CanaryEnd:
    """Look at a running canary: abort it, promote its candidate, or leave it as it is."""
    lab, registry = live.lab, live.registry
    if found := _why_superseded(registry, canary):
        return _end(lab, canary, "withdrawn", (found[0],), found[1], now)
    arms = _Arms(canary, live.outcomes.since(canary.started, prompt_id=canary.prompt_id))
    check = arms.check(live.config, OfflineTrial(canary.trial_plans, canary.trial_alpha))
    effect = f"{(check.effect or 0.0) * 100:+.1f} points on {check.pairs} pairs"
    if check.state == "abort":
        text = f"the candidate does worse than the control arm: {effect}"
        return _end(lab, canary, "aborted", ("canary_worse",), text, now, check)
    if slower := _why_slower(live, arms.times):
        return _end(lab, canary, "aborted", ("canary_slower",), slower, now, check)
    if check.state == "open":
        return CanaryEnd(canary, check, f"under way: {effect}")
    return _finish(live, canary, check, effect, now)


def _finish(
    live: LiveTraffic, canary: Canary, check: CanaryCheck, effect: str, now: str
) -> CanaryEnd:
    """Promote the candidate of a canary that has passed, if it has a verdict."""
    lab, registry = live.lab, live.registry
    if not canary.verdict_id:
        text = f"forced by {canary.forced_by!r}, and without a verdict it is not promoted: {effect}"
        return _end(lab, canary, "passed", ("no_verdict",), text, now, check)
    try:
        _promote(registry, canary, now)
    except PromotionRefused as error:
        return _end(lab, canary, "aborted", ("promotion_refused",), str(error), now, check)
    return _end(lab, canary, "passed", (), f"promoted: {effect}", now, check)


def _why_slower(live: LiveTraffic, times: Mapping[str, Sequence[float]]) -> str:
    """Why its calls take too long, by the medians of both arms; '' where they do not.

    An arm below the least number of units says nothing.
    """
    if min(map(len, times.values())) < live.config.least_units:
        return ""
    before, after = median(times["control"]), median(times["canary"])
    if after <= live.latency_budget_ms or after <= before * (1 + SLOWER):
        return ""
    return (
        f"a call takes {after:.0f} ms, in the control arm {before:.0f}, and the budget is"
        f" {live.latency_budget_ms:.0f} ms"
    )


def _why_superseded(registry: PromptRegistry, canary: Canary) -> tuple[str, str] | None:
    """The code and the reason where the candidate may no longer become current."""
    if registry.read_current()[1].prompts.get(canary.prompt_id) != canary.control:
        return "superseded", "another text of this prompt became current meanwhile"
    if is_forced(registry.files, canary.prompt_id, canary.control):
        return "forced", "a person forced the current text: only a person replaces it"
    return None


def is_forced(files: PromptFiles, prompt_id: str, digest: str) -> bool:
    """Whether a person forced this text of a prompt, and nothing with a verdict came after it."""
    for row in reversed(files.read_journal()):
        if row.git is not None or row.kind is PromotionKind.ROLLBACK:
            continue  # a rollback brings a text back, with the right that it had before
        if list_changes(files, row).get(prompt_id, ("", ""))[1] == digest:
            return row.kind is PromotionKind.FORCE
    return False


def withdraw_canary(lab: Lab, canary: Canary, code: str, text: str, now: str) -> CanaryEnd:
    """End a canary without a result; the current prompt stays."""
    return _end(lab, canary, "withdrawn", (code,), text, now)


def _promote(registry: PromptRegistry, canary: Canary, now: str) -> None:
    text = registry.files.read_version(canary.candidate)
    why = PromotionReason(WORKER, f"canary passed, trial {canary.verdict_id}", now)
    registry.promote({canary.prompt_id: text}, {canary.prompt_id: canary.verdict_id}, why)


def _end(
    lab: Lab,
    canary: Canary,
    state: Literal["passed", "aborted", "withdrawn"],
    reasons: tuple[str, ...],
    text: str,
    now: str,
    check: CanaryCheck | None = None,
) -> CanaryEnd:
    ended = canary.model_copy(update={"state": state, "ended": now, "reasons": reasons})
    write_record(canary_file(lab, canary.prompt_id), ended)
    note(
        lab,
        f"canary_{state}",
        now,
        prompt_id=canary.prompt_id,
        candidate=canary.candidate,
        codes=list(reasons),
        text=text,
        pairs=check.pairs if check else 0,
        effect=check.effect if check else None,
    )
    return CanaryEnd(ended, check, text)
