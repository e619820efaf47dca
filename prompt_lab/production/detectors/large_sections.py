"""Sections that make up much of what each request sends."""

from collections import OrderedDict
from collections.abc import Iterable

from prompt_lab.production.detector import (
    DetectionContext,
    TraceIds,
    agent_calls,
    percent,
    plain_name,
)
from prompt_lab.production.text_blocks import find_sections, read_system_text
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

MOST_TEXTS, MOST_SECTIONS = 200, 500


class SectionUse:
    """One section of what was sent: its size, and how often it was sent."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.calls = self.input_tokens = 0
        self.ids = TraceIds()


class LargeSections:
    """Cost: tokens of each turn by section of the system message; estimated from its text."""

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._texts: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._sections: dict[str, SectionUse] = {}
        self._calls = 0

    def read_trace(self, trace: Trace) -> None:
        """Count the calls of a trace of the window."""
        if not self._context.is_current(trace):
            return
        calls = agent_calls(trace)
        self._calls += len(calls)
        for title, tokens in self._read_sections(read_system_text(trace)).items():
            if title not in self._sections and len(self._sections) >= MOST_SECTIONS:
                continue
            use = self._sections.setdefault(title, SectionUse(tokens))
            use.tokens = max(use.tokens, tokens)
            use.calls += len(calls)
            use.input_tokens += sum(call.tokens.input for call in calls)
            use.ids.add(trace)

    def _read_sections(self, text: str) -> dict[str, int]:
        if text not in self._texts:
            self._texts[text] = {
                block.title: block.tokens for block in find_sections(text) if block.title
            }
            if len(self._texts) > MOST_TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]

    def find(self) -> Iterable[Finding]:
        """A finding for each section above both limits of the policy; no chance is involved."""
        policy = self._context.policy
        for title, use in sorted(self._sections.items()):
            sent = use.tokens * use.calls
            share = sent / use.input_tokens if use.input_tokens else 0.0
            if use.tokens >= policy.section_tokens and share >= policy.section_share:
                yield self._describe(title, use, min(share, 1.0))

    def _describe(self, title: str, use: SectionUse, share: float) -> Finding:
        per_day = use.tokens * use.calls / self._context.days
        price = self._context.prices.input_price()
        money = None if price is None else per_day * price
        return Finding(
            detector="large_sections",
            key=title,
            goal=Goal.COST,
            type=ItemType.INVESTIGATE,
            title=f"The section {plain_name(title)!r} is {percent(share)} of what each turn reads",
            impact=f"~{use.tokens:,} tokens in each call, ~{per_day:,.0f} tokens a day"
            + ("" if money is None else f", ~${money:,.2f} a day"),
            fix="Shorten it, or send it only in the requests that need it.",
            evidence=FindingEvidence(
                counts={
                    "tokens of the section": use.tokens,
                    "calls that sent it": use.calls,
                    "calls": self._calls,
                },
                trace_ids=use.ids.read(),
                rate=share,
                tokens_per_day=per_day,
                usd_per_day=money,
            ),
        )
