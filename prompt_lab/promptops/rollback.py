"""Promotions of the service after which a prompt does worse than before are rolled back."""

from collections.abc import Iterator, Sequence

from prompt_lab.decide.canary import CanaryCheck, check_canary
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.canary import LiveTraffic, read_result
from prompt_lab.promptops.journal import note
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRecord
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verify import list_changes
from prompt_lab.traces import ALL_TIME, Window


def roll_back_worse(live: LiveTraffic, *, now: str, margin: float) -> list[str]:
    """Roll back promotions of ours after which a prompt does worse than before; a line for each.

    The newest promotion alone is looked at, and only while it is current: it is compared with the
    results of the text before it, oldest first, by the sequential check of a canary. Single
    outcomes are read only where the sums of both texts show a loss. `margin`: the loss that is
    accepted.
    """
    lab, registry = live.lab, live.registry
    pointer = registry.files.read_pointer()
    rows = registry.files.read_journal(kind=PromotionKind.PROMOTE)
    if pointer is None or not rows or rows[-1] != pointer or pointer.actor != WORKER:
        return []
    for prompt_id, texts in list_changes(registry.files, pointer).items():
        if not _shows_loss(live, pointer, prompt_id, texts):
            continue
        check = _compare(live, pointer, prompt_id, texts, margin)
        if check.state == "abort":
            text = f"{prompt_id!r} does worse since: {(check.effect or 0.0) * 100:+.1f} points"
            registry.roll_back(pointer.from_snapshot, PromotionReason(WORKER, text, now))
            note(lab, "rolled_back", now, prompt_id=prompt_id, text=text, codes=["worse_since"])
            return [f"Rolled back: {text} on {check.pairs} pairs."]
    return []


def _shows_loss(
    live: LiveTraffic, pointer: PromotionRecord, prompt_id: str, texts: tuple[str, str]
) -> bool:
    """Whether enough calls are in, and their success, score or thumbs are lower than before."""
    since = Window(pointer.when, ALL_TIME.end)
    before, after = (
        [one for one in live.outcomes.summary(window) if (one.prompt_id, one.variant) == key]
        for window, key in ((ALL_TIME, (prompt_id, texts[0])), (since, (prompt_id, texts[1])))
    )
    if sum(one.calls for one in after) < live.config.least_units:
        return False
    return any(
        new is not None and old is not None and new < old
        for old, new in zip(_means(before), _means(after), strict=True)
    )


def _means(rows: Sequence[OutcomeSummary]) -> Iterator[float | None]:
    """Shares of successes and of thumbs up, and the mean score; None where none is known."""
    good, bad = sum(one.successes for one in rows), sum(one.failures for one in rows)
    up, down = sum(one.thumbs_up for one in rows), sum(one.thumbs_down for one in rows)
    scored = [(one.score, one.calls) for one in rows if one.score is not None]
    calls = sum(count for _, count in scored)
    yield good / (good + bad) if good + bad else None
    yield up / (up + down) if up + down else None
    yield sum(score * count for score, count in scored) / calls if calls else None


def _compare(
    live: LiveTraffic,
    pointer: PromotionRecord,
    prompt_id: str,
    texts: tuple[str, str],
    margin: float,
) -> CanaryCheck:
    before, after = texts
    arms: dict[str, list[float]] = {before: [], after: []}
    for one in live.outcomes.since("", prompt_id=prompt_id):
        result = read_result(one)
        counts = one.variant == before or (one.variant == after and one.when >= pointer.when)
        if result is not None and counts:
            arms[one.variant].append(result)
    pairs = live.config.most_calls // 2
    return check_canary(
        arms[before][-pairs:],
        arms[after],
        alpha=live.config.alpha,
        most_pairs=pairs,
        least_pairs=live.config.least_units,
        margin=margin,
    )
