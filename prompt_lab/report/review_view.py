"""What the page of a review shows of each item: evidence, traces, difference, and the answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from prompt_lab.names import Outcome, count
from prompt_lab.report.diff import Diff, side_by_side
from prompt_lab.report.words import money
from prompt_lab.reviews import (
    FindingEvidence,
    Goal,
    Item,
    ItemState,
    ItemType,
    ReviewSession,
    SessionStatus,
)
from prompt_lab.traces import Trace

EXCERPTS = 3
"""Traces of an item that are shown on its session's page."""
EXCERPT_CHARACTERS = 260
TYPE_WORDS = {
    ItemType.PROMPT_CHANGE: "prompt change",
    ItemType.CONFIG_CHANGE: "setting",
    ItemType.CODE_CHANGE: "code change",
    ItemType.INVESTIGATE: "to investigate",
}
GOAL_WORDS = {
    Goal.ACCURACY: "Accuracy",
    Goal.CAPABILITIES: "Capabilities",
    Goal.COST: "Cost",
}
STATUS_WORDS = {
    SessionStatus.PENDING: "pending",
    SessionStatus.DEPLOYED: "deployed",
    SessionStatus.PARTLY_DEPLOYED: "partly deployed",
    SessionStatus.REJECTED: "rejected",
    SessionStatus.EXPIRED: "expired",
}


class EvidenceFact(NamedTuple):
    """One number of the evidence, in words."""

    name: str
    value: str


class RateBar(NamedTuple):
    """A rate and its interval in percent of the scale's width, 0 to 100."""

    value: float
    low: float
    high: float
    words: str


class TraceExcerpt(NamedTuple):
    """A trace behind a finding; `question` is '' where the store no longer has the trace."""

    trace_id: str
    when: str
    question: str
    answer: str
    failed_tools: tuple[str, ...]
    is_there: bool


class TextChange(NamedTuple):
    """A prompt before and after an item."""

    name: str
    diff: Diff
    before_sha256: str


class ItemView(NamedTuple):
    """One item as the page shows it."""

    item: Item
    kind: str
    outcome: str
    facts: tuple[EvidenceFact, ...]
    rate: RateBar | None
    excerpts: tuple[TraceExcerpt, ...]
    more_traces: int
    change: TextChange | None
    is_open: bool

    @property
    def can_deploy(self) -> bool:
        """Whether a tested text waits for an answer."""
        return self.is_open and self.item.deployable

    @property
    def can_force(self) -> bool:
        """Whether only a person who names it can deploy it."""
        is_text = self.item.type is ItemType.PROMPT_CHANGE and bool(self.item.prompt_text)
        return self.is_open and is_text and not self.item.verdict_id

    @property
    def can_apply(self) -> bool:
        """Whether it is a setting that a person may apply."""
        is_setting = self.item.type is ItemType.CONFIG_CHANGE and bool(self.item.config_key)
        return is_setting and self.item.state is not ItemState.DEPLOYED


class GoalGroup(NamedTuple):
    """The items of one goal."""

    name: str
    items: tuple[ItemView, ...]


def view_items(
    session: ReviewSession,
    find_trace: Callable[[str], Trace | None],
    texts: Mapping[int, tuple[str, str]],
) -> list[ItemView]:
    """Every item. `texts`: item id -> (sha256, text) of the prompt before it."""
    return [_view_item(session, item, find_trace, texts.get(item.id)) for item in session.items]


def group_items(items: Sequence[ItemView]) -> list[GoalGroup]:
    """Items by goal, in the order of the message."""
    groups = [
        GoalGroup(GOAL_WORDS[goal], tuple(one for one in items if one.item.goal is goal))
        for goal in Goal
    ]
    return [group for group in groups if group.items]


def list_deployable(items: Sequence[ItemView]) -> list[int]:
    """The numbers that "deploy all" deploys."""
    return [one.item.id for one in items if one.can_deploy]


def _view_item(
    session: ReviewSession,
    item: Item,
    find_trace: Callable[[str], Trace | None],
    before: tuple[str, str] | None,
) -> ItemView:
    ids = item.evidence.trace_ids
    change = None
    if before is not None and item.prompt_text:
        change = TextChange(item.prompt_key, side_by_side(before[1], item.prompt_text), before[0])
    waits = item.state in (ItemState.PENDING, ItemState.UNTESTED)
    known = {outcome.value for outcome in Outcome}
    return ItemView(
        item=item,
        kind=TYPE_WORDS[item.type],
        outcome=item.verdict if item.verdict in known else "",
        facts=tuple(_list_facts(item)),
        rate=_draw_rate(item.evidence),
        excerpts=tuple(_cut_trace(one, find_trace(one)) for one in ids[:EXCERPTS]),
        more_traces=max(0, len(ids) - EXCERPTS),
        change=change,
        is_open=waits and session.status is SessionStatus.PENDING,
    )


def _list_facts(item: Item) -> list[EvidenceFact]:
    found = item.evidence
    facts = [
        EvidenceFact(name.replace("_", " "), f"{value:,.6g}")
        for name, value in found.counts.items()
    ]
    if found.tokens_per_day is not None:
        facts.append(EvidenceFact("tokens per day", f"{found.tokens_per_day:,.0f}"))
    if found.usd_per_day is not None:
        facts.append(EvidenceFact("cost per day", money(found.usd_per_day)))
    if found.p_value is not None:
        facts.append(EvidenceFact("p value", f"{found.p_value:.2g}"))
    if item.screening_effect is not None:
        effect = f"{item.screening_effect * 100:+.1f} points"
        facts.append(EvidenceFact("screening effect", effect))
    if item.price_usd is not None:
        facts.append(EvidenceFact("price of its trial", money(item.price_usd)))
    if item.plans_missing:
        facts.append(EvidenceFact("missing for a trial", count(item.plans_missing, "plan")))
    return facts


def _draw_rate(evidence: FindingEvidence) -> RateBar | None:
    if evidence.rate is None:
        return None
    low, high = evidence.interval or (evidence.rate, evidence.rate)
    ends = [round(100 * min(1.0, max(0.0, one)), 2) for one in (evidence.rate, low, high)]
    words = f"{ends[0]:.3g} %"
    if evidence.interval is not None:
        words += f" (95 % interval {ends[1]:.3g} to {ends[2]:.3g} %)"
    return RateBar(ends[0], ends[1], ends[2], words)


def _cut_trace(trace_id: str, trace: Trace | None) -> TraceExcerpt:
    if trace is None:
        return TraceExcerpt(trace_id, "", "", "", (), False)
    failed = dict.fromkeys(
        str(getattr(one, "tool_name", "") or "tool")
        for one in trace.payload.events
        if getattr(one, "success", None) is False
    )
    return TraceExcerpt(
        trace_id,
        trace.created_at,
        _shorten(trace.user_message or _first_question(trace)),
        _shorten(trace.final_message),
        tuple(failed),
        True,
    )


def _first_question(trace: Trace) -> str:
    asked = (one.get("content") for one in trace.payload.messages if one.get("role") == "user")
    first = next(asked, "")
    return first if isinstance(first, str) else ""


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[: EXCERPT_CHARACTERS - 1]}…"
