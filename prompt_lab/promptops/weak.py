"""Which prompts are weak: those whose success lies below the limit by its whole interval."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.outcomes import OutcomeSummary

CONFIDENCE: Final = 0.95


class WeakPrompt(NamedTuple):
    """A prompt that fails too often in one task class, with the evidence.

    `low` and `high` are the exact interval (Clopper and Pearson) of the share of successes at 95 %.
    Calls of one unit are counted as independent: this only chooses where to look, and the trial
    decides. `reason` says whether measured success or the thumbs of persons are too low.
    """

    prompt_id: str
    task_class: str
    reason: Literal["success", "feedback"]
    calls: int
    successes: int
    low: float
    high: float


def find_weak(
    summary: Sequence[OutcomeSummary],
    config: PromptOpsConfig,
    current: Mapping[str, str] | None = None,
) -> list[WeakPrompt]:
    """Weak prompts by task class, the weakest first; nothing is said below the least support.

    `current` is prompt id -> variant (sha256 of its text): outcomes of other variants, such as an
    earlier text or a canary's, are left out. Without it only the canary's arm is.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for one in summary:
        if not one.prompt_id or not _is_current(one, current):
            continue
        total = counts.setdefault((one.prompt_id, one.task_class), [0, 0, 0, 0])
        figures = (one.successes, one.failures, one.thumbs_up, one.thumbs_down)
        counts[one.prompt_id, one.task_class] = [a + b for a, b in zip(total, figures, strict=True)]
    found = []
    for (prompt_id, task_class), (successes, failures, up, down) in counts.items():
        reasons: tuple[tuple[Literal["success", "feedback"], int, int], ...] = (
            ("success", successes, failures),
            ("feedback", up, down),
        )
        for reason, good, bad in reasons:
            total_calls = good + bad
            if total_calls < config.least_support:
                continue
            low, high = clopper_pearson(good, total_calls, CONFIDENCE)
            if high < config.weak_below:
                found.append(
                    WeakPrompt(prompt_id, task_class, reason, total_calls, good, low, high)
                )
                break
    return sorted(found, key=lambda one: (one.high, one.prompt_id, one.task_class))


def _is_current(one: OutcomeSummary, current: Mapping[str, str] | None) -> bool:
    if current is None:
        return one.arm != "canary"
    return current.get(one.prompt_id) == one.variant
