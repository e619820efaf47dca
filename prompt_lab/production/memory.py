"""What earlier reviews know: which findings are shown again, and what became of flagged ones."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from prompt_lab.production.detector import parse_time, plain_name
from prompt_lab.production.rates import difference_interval, exceeds_other
from prompt_lab.reviews import (
    Finding,
    FindingEvidence,
    Item,
    ItemState,
    ItemType,
    ReviewSession,
    SessionStatus,
)

MORE: Final = 1.25
"""A cost this many times larger than when it was last shown is worse."""
WORSE_LEVEL: Final = 0.05
FOLLOW_UP_HOURS: Final = 72.0
SETTLING_HOURS: Final = 48.0
"""Within this time of a deployment the window may still hold traces from before it."""
_COUNTED: Final = {
    "tool_failures": "failed calls",
    "mostly_failing_tools": "failed calls",
    "thumbs_down": "traces concerned",
    "error_answers": "traces concerned",
    "repeated_requests": "sessions concerned",
    "long_sessions": "sessions concerned",
}
_LABELS: Final = {
    "tool_failures": "{key} failures",
    "mostly_failing_tools": "{key} failures",
    "thumbs_down": "thumbs down",
    "error_answers": "requests that ended in an error",
    "repeated_requests": "sessions with a repeated request",
    "long_sessions": "long sessions",
}


class HiddenFinding(NamedTuple):
    """A finding that is not shown again, and why."""

    finding: Finding
    session_id: str
    reason: str


class FollowUp(NamedTuple):
    """What became of an item that was flagged before."""

    identity: str
    label: str
    before: int
    after: int
    before_sessions: int
    after_sessions: int
    change: tuple[float, float] | None
    """95 % interval of the share of sessions now minus then; None if nothing was seen since."""

    @property
    def is_better(self) -> bool:
        """Whether the share of sessions is shown to have fallen."""
        return self.change is not None and self.change[1] < 0

    @property
    def text(self) -> str:
        """One line: 'write_article failures: 6 -> 0 (…)'."""
        start = f"{self.label}: {self.before:,} -> {self.after:,}"
        if self.change is None:
            return f"{start} (not seen since)"
        low, high = (f"{limit * 100:+.0f}" for limit in self.change)
        return (
            f"{start} (of {self.before_sessions:,} and {self.after_sessions:,} sessions; share of"
            f" sessions {low} to {high} points)"
        )


class Remembered(NamedTuple):
    """The findings to show, those that stay hidden, and what became of flagged items."""

    findings: list[Finding]
    hidden: list[HiddenFinding]
    follow_ups: list[FollowUp]


class _Earlier(NamedTuple):
    session: ReviewSession
    item: Item


def recall(
    findings: Sequence[Finding],
    measured: Sequence[Finding],
    sessions: Sequence[ReviewSession],
    *,
    now: str,
) -> Remembered:
    """Compare today's findings with earlier sessions, given in any order.

    `measured` are all hypotheses of today's detection, so that a fault that is gone has its
    numbers too. A finding that was shown returns only if it got worse, or if the prompt that it
    would change is another one by now. One that was refused returns, one that a person removed
    stays dismissed, and one that was deployed returns once its deployment is two days old.
    """
    earlier = _find_latest(sessions)
    shown, hidden = [], []
    for finding in findings:
        found = earlier.get(finding.identity)
        reason = _reason_to_hide(finding, found, now) if found else ""
        if found and reason:
            hidden.append(HiddenFinding(finding, found.session.id, reason))
        else:
            shown.append(finding)
    today = {finding.identity: finding for finding in measured}
    return Remembered(shown, hidden, list(_follow_up(earlier, today, now)))


def is_worse(now: FindingEvidence, before: FindingEvidence) -> bool:
    """Whether the numbers got worse: a rate by Fisher's test at 5 %, a cost by a quarter.

    Numbers that only one of them has cannot get worse.
    """
    new_rates, old_rates = _read_rates(now), _read_rates(before)
    for name in new_rates.keys() & old_rates.keys():
        if exceeds_other(new_rates[name], old_rates[name]) <= WORSE_LEVEL:
            return True
    for cost, old_cost in (
        (now.usd_per_day, before.usd_per_day),
        (now.tokens_per_day, before.tokens_per_day),
    ):
        if cost is not None and old_cost is not None:
            return cost > MORE * old_cost
    return False


def _read_rates(evidence: FindingEvidence) -> dict[str, tuple[int, int]]:
    """Name -> (hits, total) in sessions."""
    if evidence.hits is None or not evidence.total:
        return {}
    rates = {"sessions": (evidence.hits, evidence.total)}
    unretried = evidence.counts.get("failed calls not retried")
    if unretried is not None:
        rates["not retried"] = (int(unretried), evidence.total)
    return rates


def _find_latest(sessions: Sequence[ReviewSession]) -> dict[str, _Earlier]:
    """Identity -> its latest item; one that was dismissed wins over later ones."""
    latest: dict[str, _Earlier] = {}
    for session in sorted(sessions, key=lambda one: one.created_at):
        for item in session.items:
            known = latest.get(item.identity)
            if known is None or known.item.state is not ItemState.REMOVED:
                latest[item.identity] = _Earlier(session, item)
    return latest


def _reason_to_hide(finding: Finding, found: _Earlier, now: str) -> str:
    """Why the finding is not shown again; '' if it is."""
    session, item = found
    day = session.created_at[:10]
    if item.state is ItemState.REMOVED:
        return f"dismissed on {day}: {item.note or 'no reason was given'}"
    if is_worse(finding.evidence, item.evidence) or item.state is ItemState.REFUSED:
        return ""
    if finding.detector != "analyst" and finding.prompt_text != item.prompt_text:
        return ""  # the prompt has changed since, so this is another change
    if item.state is ItemState.DEPLOYED:
        return f"deployed on {day}" if _hours(session, now) < SETTLING_HOURS else ""
    what = "shown and discarded" if session.status is SessionStatus.REJECTED else "shown"
    return f"{what} on {day}, and no worse since"


def _hours(session: ReviewSession, now: str) -> float:
    return (parse_time(now) - parse_time(session.created_at)).total_seconds() / 3600


def _follow_up(
    earlier: dict[str, _Earlier], today: dict[str, Finding], now: str
) -> Iterator[FollowUp]:
    for identity, (session, item) in earlier.items():
        flagged = item.type is not ItemType.PROMPT_CHANGE and item.state is not ItemState.REMOVED
        if not flagged or item.detector not in _COUNTED or _hours(session, now) > FOLLOW_UP_HOURS:
            continue
        yield _compare(item, today.get(identity))


def _compare(item: Item, now: Finding | None) -> FollowUp:
    counted = _COUNTED[item.detector]
    old, new = item.evidence, now.evidence if now else FindingEvidence()
    change = None
    if old.hits is not None and old.total and new.hits is not None and new.total:
        change = difference_interval((new.hits, new.total), (old.hits, old.total))
    return FollowUp(
        identity=item.identity,
        label=_LABELS[item.detector].format(key=plain_name(item.key)),
        before=int(old.counts.get(counted, 0)),
        after=int(new.counts.get(counted, 0)),
        before_sessions=old.total or 0,
        after_sessions=new.total or 0,
        change=change,
    )
