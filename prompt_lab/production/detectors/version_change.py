"""A prompt version that does worse than the one before it."""

from collections import OrderedDict
from collections.abc import Iterable
from math import exp, log

from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    agent_calls,
    has_failed,
    percent,
    plain_name,
    read_cost,
    tool_results,
    user_messages,
)
from prompt_lab.production.rates import (
    Moments,
    exceeds_mean,
    exceeds_other,
    means_interval,
    share_interval,
)
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

MOST_VERSIONS = 20
SIGNS = {
    "thumb down": "thumbs down",
    "failed tool call": "failed tool calls",
    "error": "errors",
    "repeated request": "repeated requests",
}


class VersionTotals:
    """The sessions of one version, as far as they are closed."""

    def __init__(self) -> None:
        self.sessions = 0
        self.signs = dict.fromkeys(SIGNS, 0)
        self.log_cost = Moments()
        self.ids = {sign: TraceIds() for sign in SIGNS}


class VersionSession:
    """One session: the versions that it began under, what went wrong in it, and its cost."""

    def __init__(self) -> None:
        self.versions: dict[str, str] | None = None
        self.signs: dict[str, Trace] = {}
        self.texts: set[str] = set()
        self.cost = 0.0


class VersionChange:
    """Accuracy and cost: sessions under the current version against those under the one before.

    Both come from the window and its history. It is a comparison of before and after, not a trial:
    what else changed that day is in it too.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[VersionSession] = OpenSessions(VersionSession, self._close)
        self._versions: dict[str, OrderedDict[str, VersionTotals]] = {}
        self._current: dict[str, str] = {}

    def read_trace(self, trace: Trace) -> None:
        """Count a trace, also one of the history."""
        session = self._open.find_state(trace)
        versions = read_versions(trace)
        if session.versions is None:
            session.versions = versions
            for name, version in versions.items():
                self._begin(name, version)
        if self._context.is_current(trace):
            self._current.update(versions)
        for sign in self._find_signs(trace, session):
            session.signs.setdefault(sign, trace)
        session.cost += read_cost(trace) or 0.0

    def _begin(self, name: str, version: str) -> None:
        """Make it the newest version of its prompt; after a rollback that is an earlier one."""
        known = self._versions.setdefault(name, OrderedDict())
        known.setdefault(version, VersionTotals())
        known.move_to_end(version)
        if len(known) > MOST_VERSIONS:
            known.popitem(last=False)

    def _find_signs(self, trace: Trace, session: VersionSession) -> Iterable[str]:
        if self._context.thumbs.get(trace.trace_id) == "down":
            yield "thumb down"
        if any(map(has_failed, tool_results(trace))):
            yield "failed tool call"
        calls = agent_calls(trace)
        if calls and calls[-1].error:
            yield "error"
        for text in user_messages(trace):
            plain = " ".join(text.casefold().split())[:500]
            if len(plain) >= 20 and plain in session.texts:
                yield "repeated request"
            session.texts.add(plain)

    def _close(self, session: VersionSession) -> None:
        for name, version in (session.versions or {}).items():
            known = self._versions[name]
            if version not in known:
                continue
            totals = known[version]
            totals.sessions += 1
            if session.cost > 0:
                totals.log_cost = totals.log_cost.add(log(session.cost))
            for sign, trace in session.signs.items():
                totals.signs[sign] += 1
                totals.ids[sign].add(trace)

    def find(self) -> Iterable[Finding]:
        """For each prompt whose version has changed: one finding of quality, one of cost."""
        self._open.close_all()
        for name, version in sorted(self._current.items()):
            order = list(self._versions.get(name, ()))
            at = order.index(version) if version in order else 0
            if at:
                yield self._compare_quality(name, order[at - 1], version)
                yield self._compare_cost(name, order[at - 1], version)

    def _compare_quality(self, name: str, before: str, after: str) -> Finding:
        old, new = self._versions[name][before], self._versions[name][after]
        p_values = {
            sign: exceeds_other((new.signs[sign], new.sessions), (old.signs[sign], old.sessions))
            for sign in SIGNS
        }
        sign = min(p_values, key=lambda one: p_values[one])
        rates = [
            (side.signs[sign] / side.sessions if side.sessions else 0.0) for side in (old, new)
        ]
        evidence = FindingEvidence(
            counts={
                "sessions": new.sessions,
                "sessions before": old.sessions,
                **{f"sessions with {sign}": new.signs[sign] for sign in SIGNS},
                **{f"sessions with {sign} before": old.signs[sign] for sign in SIGNS},
            },
            trace_ids=new.ids[sign].read(),
            rate=rates[1],
            interval=share_interval(new.signs[sign], new.sessions),
            hits=new.signs[sign],
            total=new.sessions,
            p_value=min(1.0, len(SIGNS) * p_values[sign]),
        )
        finding = self._describe(name, before, after, Goal.ACCURACY, evidence)
        return finding.model_copy(
            update={
                "title": f"{_name_prompt(name)} got worse with version {after[:8]}: {SIGNS[sign]} "
                f"in {percent(rates[1])} of sessions, {percent(rates[0])} before",
                "impact": f"{new.signs[sign]:,} of {new.sessions:,} sessions since the change",
            }
        )

    def _compare_cost(self, name: str, before: str, after: str) -> Finding:
        old, new = self._versions[name][before].log_cost, self._versions[name][after].log_cost
        margin = log(1 + self._context.policy.cost_increase)
        limits = means_interval(new, old)
        increase = exp(new.mean - old.mean) - 1
        counts: dict[str, float] = {"sessions": new.size, "sessions before": old.size}
        if limits is not None:
            counts |= {"increase": increase, "increase from": exp(limits[0]) - 1}
            counts |= {"increase to": exp(limits[1]) - 1}
        evidence = FindingEvidence(
            counts=counts, p_value=exceeds_mean(new, old, margin) if limits else 1.0
        )
        finding = self._describe(name, before, after, Goal.COST, evidence)
        return finding.model_copy(
            update={
                "title": f"A session costs {percent(max(increase, 0.0))} more with version "
                f"{after[:8]} of {_name_prompt(name)}",
                "impact": f"typical cost ${exp(new.mean):.3f}, ${exp(old.mean):.3f} before",
            }
        )

    def _describe(
        self, name: str, before: str, after: str, goal: Goal, evidence: FindingEvidence
    ) -> Finding:
        texts = self._context.earlier_prompts
        text = texts.get(before) or texts.get(before[:8]) or ""
        can_return = bool(text) and self._context.prompts.get(name, text) != text
        return Finding(
            detector="version_change",
            key=f"{name or 'prompt'} {after[:8]} {goal}",
            goal=goal,
            type=ItemType.PROMPT_CHANGE if can_return else ItemType.INVESTIGATE,
            title="",
            fix=f"Return to the text of version {before[:8]}.",
            prompt_key=name,
            prompt_text=text if can_return else "",
            evidence=evidence,
        )


def read_versions(trace: Trace) -> dict[str, str]:
    """Prompt id -> version of a trace; '' -> the version of the whole where only that is known."""
    payload = trace.payload
    if payload.prompts:
        return dict(payload.prompts)
    return {"": payload.prompt_version} if payload.prompt_version else {}


def _name_prompt(name: str) -> str:
    return plain_name(name) if name else "the prompt"
