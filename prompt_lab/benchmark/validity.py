"""Whether a benchmark's figures may be used: nothing is routed by an INVALID one."""

from collections.abc import Sequence

from prompt_lab.benchmark.exact_tests import fisher_greater
from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult

COLLAPSE_ALPHA = 0.01
COLLAPSE_DROP = 0.3
"""A parse rate has collapsed if it fell by at least so much, and Fisher's test shows it."""
USABLE = 0.5
"""With a smaller share of usable answers an accuracy below chance says nothing of the gold."""


def check_validity(
    rows: Sequence[ModelPhaseResult],
    *,
    chance: float | None,
    missing_gold: Sequence[str],
    model_ids: dict[str, str],
    history: Sequence[BenchmarkResults] = (),
    suite_sha256: str = "",
    begun_sha256: str = "",
    whole_sha256: str = "",
) -> tuple[ModelPhaseResult, ...]:
    """The rows with their validity and its reasons. `model_ids` is alias -> the id asked for.

    `begun_sha256` is the suite's digest from before the first call, '' where it is not known;
    `whole_sha256` is that of the whole suite where only a part of its plans was asked.

    A model that answers nothing usable while another passes the same suite has a valid 0.
    """
    someone_passes = any(row.passed for row in rows) or any(
        row.passed
        for old in history
        if old.suite_sha256 in {suite_sha256, whole_sha256 or suite_sha256}
        for row in old.models
    )
    checked = []
    for row in rows:
        reasons = [
            *_gold_reasons(missing_gold),
            *_change_reasons(begun_sha256, suite_sha256),
            *_incomplete_reasons(row),
            *_substitution_reasons(row, model_ids.get(row.model, "")),
            *_chance_reasons(row, chance),
            *_collapse_reasons(row, history, suite_sha256, someone_passes=someone_passes),
        ]
        update = {"validity": "INVALID" if reasons else "VALID", "reasons": tuple(reasons)}
        checked.append(row.model_copy(update=update))
    return tuple(checked)


def suite_changed(first: BenchmarkResults, second: BenchmarkResults) -> str | None:
    """Why two benchmarks cannot be compared, or None."""
    if first.suite_sha256 == second.suite_sha256:
        return None
    return (
        f"the suite {second.suite!r} changed between benchmark {first.number} and"
        f" {second.number}: its plans, gold or scorer differ; run both sides again"
    )


def _gold_reasons(missing: Sequence[str]) -> list[str]:
    return [f"gold is missing for {', '.join(missing)}: add the right answers"] if missing else []


def _change_reasons(begun: str, now: str) -> list[str]:
    if not begun or begun == now:
        return []
    return ["the suite changed while it ran: its plans, gold or scorer differ; run it again"]


def _incomplete_reasons(row: ModelPhaseResult) -> list[str]:
    if row.total:
        return []
    return ["no run counts: each is named under 'excluded' with its reason"]


def _substitution_reasons(row: ModelPhaseResult, wanted: str) -> list[str]:
    others = [name for name in row.answered_by if wanted and not is_same_model(wanted, name)]
    if not others:
        return []
    return [f"{wanted!r} was asked for and the provider answered with {', '.join(others)}"]


def is_same_model(wanted: str, answered: str) -> bool:
    """Whether an answer's model id is the one asked for, or a dated version of it.

    >>> is_same_model("openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    True
    >>> is_same_model("gpt-4o", "gpt-4o-mini")
    False
    """
    one, two = wanted.rpartition("/")[2].lower(), answered.rpartition("/")[2].lower()
    rest = two.removeprefix(one)
    return two.startswith(one) and (not rest or (rest[0] in "-@:" and rest[1:2].isdigit()))


def _chance_reasons(row: ModelPhaseResult, chance: float | None) -> list[str]:
    if chance is None or row.high is None or not row.total:
        return []
    if row.high >= chance or row.valid_answers < USABLE * row.total:
        return []
    return [
        f"accuracy {row.accuracy:.1%} (at most {row.high:.1%}) is below chance, {chance:.1%}, with"
        " usable answers: gold, labels or scorer are wrong, not the model"
    ]


def _collapse_reasons(
    row: ModelPhaseResult,
    history: Sequence[BenchmarkResults],
    suite_sha256: str,
    *,
    someone_passes: bool,
) -> list[str]:
    old = [
        past
        for results in history
        if results.suite_sha256 == suite_sha256
        for past in results.models
        if past.key == row.key and past.validity == "VALID" and past.total
    ]
    if not row.total:
        return []
    if not old:
        if row.valid_answers == 0 and not someone_passes:
            return ["no answer is usable and no model passes this suite: check step and scorer"]
        return []
    valid, total = sum(one.valid_answers for one in old), sum(one.total for one in old)
    now, before = row.valid_answers / row.total, valid / total
    p_value = fisher_greater(
        (valid, total - valid), (row.valid_answers, row.total - row.valid_answers)
    )
    if before - now < COLLAPSE_DROP or p_value > COLLAPSE_ALPHA:
        return []
    return [
        f"usable answers fell from {before:.0%} to {now:.0%} of this model's own history"
        f" (p = {p_value:.2g}): something broke; nothing is routed by this"
    ]
