"""Stores of traces and reviews in memory; they pass the contract tests of the real ones."""

from collections.abc import Iterable, Iterator

from prompt_lab.outcomes import CallOutcome, OutcomeSummary, fill_outcome
from prompt_lab.ports.trace_store import Added
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import ChannelMessage, Feedback, ToolResult, Trace, VersionUsage, Window


class MemoryTraces:
    """ports.TraceStore."""

    def __init__(self, traces: Iterable[Trace] = (), feedback: Iterable[Feedback] = ()) -> None:
        self.traces: dict[str, Trace] = {}
        self.feedback = list(feedback)
        self.messages: list[ChannelMessage] = []
        self.add(traces)

    def add(self, traces: Iterable[Trace]) -> Added:
        given = list(traces)
        before = len(self.traces)
        for trace in given:
            self.traces.setdefault(trace.trace_id, trace)
        new = len(self.traces) - before
        return Added(new, len(given) - new)

    def read(self, window: Window) -> Iterator[Trace]:
        found = [t for t in self.traces.values() if window.start <= t.created_at < window.end]
        yield from sorted(found, key=lambda one: (one.created_at, one.trace_id))

    def find(self, trace_id: str) -> Trace | None:
        return self.traces.get(trace_id)

    def count(self, window: Window) -> int:
        return sum(1 for _ in self.read(window))

    def usage_by_version(self, window: Window) -> list[VersionUsage]:
        groups: dict[str, list[Trace]] = {}
        for trace in self.read(window):
            groups.setdefault(trace.payload.prompt_version, []).append(trace)
        return [self._sum_up(version, traces) for version, traces in groups.items()]

    def _sum_up(self, version: str, traces: list[Trace]) -> VersionUsage:
        totals = [trace.payload.summary for trace in traces]
        events = [event for trace in traces for event in trace.payload.events]
        tools = [event for event in events if isinstance(event, ToolResult)]
        ids = {trace.trace_id for trace in traces}
        thumbs = [one.thumb for one in self.feedback if one.trace_id in ids]
        return VersionUsage(
            prompt_version=version,
            sessions=len({trace.session for trace in traces}),
            traces=len(traces),
            cost_usd=sum(total.total_cost_usd or 0.0 for total in totals),
            input_tokens=sum(total.total_input_tokens for total in totals),
            output_tokens=sum(total.total_output_tokens for total in totals),
            failed_tools=sum(tool.success is False for tool in tools),
            tool_calls=len(tools),
            thumbs_up=thumbs.count("up"),
            thumbs_down=thumbs.count("down"),
            first=traces[0].created_at,
            last=traces[-1].created_at,
        )

    def add_feedback(self, feedback: Feedback) -> bool:
        known = {(one.trace_id, one.channel_user_id) for one in self.feedback}
        if (feedback.trace_id, feedback.channel_user_id) in known:
            return False
        self.feedback.append(feedback)
        return True

    def read_feedback(self, window: Window) -> list[Feedback]:
        return [one for one in self.feedback if window.start <= one.created_at < window.end]

    def add_messages(self, messages: Iterable[ChannelMessage]) -> int:
        known = {one.channel_message_id for one in self.messages}
        new = [one for one in messages if one.channel_message_id not in known]
        self.messages += new
        return len(new)

    def read_messages(self, window: Window) -> Iterator[ChannelMessage]:
        found = [one for one in self.messages if window.start <= one.created_at < window.end]
        yield from sorted(found, key=lambda one: one.created_at)

    def find_message_trace(self, channel_message_id: str) -> str:
        found = (m.trace_id for m in self.messages if m.channel_message_id == channel_message_id)
        return next(found, "")

    def find_ids(self, *, user: str = "", before: str = "") -> tuple[str, ...]:
        found = [
            one.trace_id
            for one in self.traces.values()
            if (not user or one.channel_user_id == user) and (not before or one.created_at < before)
        ]
        return tuple(sorted(found))

    def erase_user(self, channel_user_id: str) -> tuple[str, ...]:
        gone = self.find_ids(user=channel_user_id)
        self._forget(gone)
        self.feedback = [one for one in self.feedback if one.channel_user_id != channel_user_id]
        self.messages = [
            one
            for one in self.messages
            if one.channel_user_id != channel_user_id and one.trace_id not in gone
        ]
        return gone

    def erase_before(self, time: str) -> int:
        gone = self.find_ids(before=time)
        self._forget(gone)
        self.messages = [one for one in self.messages if one.created_at >= time]
        return len(gone)

    def _forget(self, ids: Iterable[str]) -> None:
        gone = set(ids)
        self.traces = {name: one for name, one in self.traces.items() if name not in gone}
        self.feedback = [one for one in self.feedback if one.trace_id not in gone]


class MemoryReviews:
    """ports.ReviewStore."""

    def __init__(self, sessions: Iterable[ReviewSession] = ()) -> None:
        self.sessions = {one.id: one for one in sessions}
        self.config: dict[str, str] = {}

    def save_session(self, session: ReviewSession) -> None:
        self.sessions[session.id] = session

    def read_session(self, session_id: str) -> ReviewSession | None:
        return self.sessions.get(session_id)

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        found = self.sessions.values()
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        known = self.sessions.get(session.id)
        if known is None or known.status is not expected:
            return False
        self.sessions[session.id] = session
        return True

    def read_config(self) -> dict[str, str]:
        return dict(self.config)

    def write_config(self, key: str, value: str) -> None:
        self.config[key] = value


class MemoryOutcomes:
    """ports.OutcomeStore."""

    def __init__(self, rows: Iterable[CallOutcome] = ()) -> None:
        self.rows: dict[str, CallOutcome] = {}
        self.add(rows)

    def add(self, rows: Iterable[CallOutcome]) -> Added:
        before, seen = len(self.rows), 0
        for row in rows:
            seen += 1
            known = self.rows.get(row.trace)
            self.rows[row.trace] = fill_outcome(known, row) if known else row
        new = len(self.rows) - before
        return Added(new, seen - new)

    def find(self, trace: str) -> CallOutcome | None:
        return self.rows.get(trace)

    def since(self, when: str, *, prompt_id: str = "") -> Iterator[CallOutcome]:
        found = [
            one
            for one in self.rows.values()
            if one.when >= when and prompt_id in ("", one.prompt_id)
        ]
        yield from sorted(found, key=lambda one: (one.when, one.trace))

    def summary(self, window: Window) -> list[OutcomeSummary]:
        groups: dict[tuple[str, str, str, str], list[CallOutcome]] = {}
        for one in self.since(window.start):
            if one.when < window.end:
                key = (one.prompt_id, one.task_class, one.variant, one.arm)
                groups.setdefault(key, []).append(one)
        return [_summarise(key, groups[key]) for key in sorted(groups)]

    def erase(self, *, unit: str = "", before: str = "") -> tuple[str, ...]:
        if not unit and not before:
            raise ValueError("erase: name a unit or a time")
        gone = [
            one.trace
            for one in self.rows.values()
            if (not unit or one.unit == unit) and (not before or one.when < before)
        ]
        for trace in gone:
            del self.rows[trace]
        return tuple(sorted(gone))


def _summarise(key: tuple[str, str, str, str], rows: list[CallOutcome]) -> OutcomeSummary:
    def mean(name: str) -> float | None:
        values = [value for one in rows if (value := getattr(one, name)) is not None]
        return sum(values) / len(values) if values else None

    latency = sorted(one.latency_ms for one in rows if one.latency_ms is not None)
    costs = [one.cost_usd for one in rows if one.cost_usd is not None]
    size = len(latency)
    return OutcomeSummary(
        *key,
        calls=len(rows),
        successes=sum(one.succeeded is True for one in rows),
        failures=sum(one.succeeded is False for one in rows),
        thumbs_up=sum(one.feedback == "up" for one in rows),
        thumbs_down=sum(one.feedback == "down" for one in rows),
        disputed=sum(one.is_disputed for one in rows),
        errors=sum(bool(one.error) for one in rows),
        score=mean("score"),
        grounding=mean("grounding"),
        confidence=mean("confidence"),
        latency_p50_ms=latency[(size + 1) // 2 - 1] if size else None,
        latency_p95_ms=latency[(95 * size + 99) // 100 - 1] if size else None,
        cost_usd=sum(costs),
        costed=len(costs),
        first=rows[0].when,
        last=rows[-1].when,
    )
