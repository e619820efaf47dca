"""Which limits are missed: alerts with what helps, of service levels, promotions and canaries."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prompt_lab.config.promptops import SloConfig
from prompt_lab.promptops.records import Canary
from prompt_lab.promptops.slo_records import PromotionRates, ServiceLevel, SloAlert


def find_stale(last: str, now: str, limits: SloConfig) -> Iterator[SloAlert]:
    """The alert where nothing was written for too long: levels of old rows say nothing of today."""
    if last:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(last)
        if age <= timedelta(hours=limits.stale_hours):
            return
    since = f"no metric row since {last}" if last else "no metric row was ever written"
    fix = "see that callers use prepare and record_outcome, and that promptops/ can be written"
    yield SloAlert(code="stale_metrics", where="promptops/metrics.jsonl", text=f"{since}: {fix}")


def check_levels(levels: Sequence[ServiceLevel], limits: SloConfig) -> Iterator[SloAlert]:
    """Alerts of the levels of each prompt in each task class."""
    for one in levels:
        if one.scope == "prompt_and_class":
            yield from _check_level(one, limits)


def _check_level(one: ServiceLevel, limits: SloConfig) -> Iterator[SloAlert]:
    """A fall counts where it exceeds the limit and its interval excludes that nothing fell."""
    delta, high = one.success_delta, one.success_delta_high
    if delta is not None and high is not None and delta < -limits.success_drop and high < 0:
        text = f"success fell by {-delta:.1%} (at most {limits.success_drop:.1%}): compare with"
        text += " `prompt-lab prompts history`, and roll the last promotion back if it is the cause"
        yield SloAlert(code="success_regressed", where=one.name, text=text)
    delta, high = one.grounding_delta, one.grounding_delta_high
    if delta is not None and high is not None and delta < -limits.grounding_drop and high < 0:
        text = f"grounding fell by {-delta:.1%} (at most {limits.grounding_drop:.1%}): see that"
        text += " sources reach the prompt, and that it still asks for citations"
        yield SloAlert(code="grounding_fell", where=one.name, text=text)
    if one.latency_p95_ms is not None and one.latency_p95_ms > limits.latency_ms:
        text = f"95 % of the calls end within {one.latency_p95_ms:,.0f} ms, and the limit is"
        text += f" {limits.latency_ms:,.0f} ms: take a shorter prompt or a faster model"
        yield SloAlert(code="latency_exceeded", where=one.name, text=text)
    if one.cost_usd is not None and one.cost_usd > limits.cost_usd:
        text = f"a call costs ${one.cost_usd:.4f}, and the limit is ${limits.cost_usd:.4f}: take a"
        text += " shorter prompt or a cheaper model"
        yield SloAlert(code="cost_exceeded", where=one.name, text=text)


def check_changes(changes: Sequence[PromotionRates], limits: SloConfig) -> Iterator[SloAlert]:
    """Alerts of promotions that do not last."""
    for one in changes:
        rate = one.rollback_rate
        if rate is not None and one.rollbacks > 1 and rate > limits.rollback_rate:
            text = f"{one.rollbacks} of {one.promotions} promotions were rolled back: grow the"
            text += " challenge set by the calls that failed, before the next round"
            yield SloAlert(code="rollback_rate", where=one.prompt_id, text=text)
        if one.churn_per_week > limits.churn_per_week:
            text = f"{one.churn_per_week:.0f} promotions in a week, at most"
            text += (
                f" {limits.churn_per_week:g}: switch the optimizer off until they are understood"
            )
            yield SloAlert(code="template_churn", where=one.prompt_id, text=text)


def check_canaries(running: Sequence[Canary]) -> Iterator[SloAlert]:
    """The alert for each text on live traffic that no trial accepted."""
    for one in running:
        if not one.verdict_id:
            text = f"{one.share:.0%} of the units get a text without a verdict, forced by"
            text += f" {one.forced_by!r}: wait until its canary has ended"
            yield SloAlert(code="forced_canary", where=one.prompt_id, text=text)
