"""Context that is sent with every request and hardly ever used."""

import json
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from scipy.special import bdtr

from prompt_lab.names import count
from prompt_lab.production.detector import (
    DetectionContext,
    OpenSessions,
    TraceIds,
    agent_calls,
    plain_name,
    rate_evidence,
)
from prompt_lab.production.text_blocks import (
    TextBlock,
    find_sections,
    read_system_text,
    remove_blocks,
)
from prompt_lab.reviews import Finding, Goal, ItemType
from prompt_lab.traces import Trace

FEWEST_TERMS = 5
MOST_TEXTS, MOST_SECTIONS, MOST_TERMS = 100, 50, 60
_TERM = re.compile(
    r"(?<=[a-z,;:] )[A-Z][\w'-]{2,}"  # a name within a sentence
    r"|\b[A-Za-z]*\d[\w.-]{2,}\b"  # a number or an identifier with digits
    r"|\b\w+_\w+\b|https?://[^\s)>\"']+"
)


class SectionText(NamedTuple):
    """What a section said in one system message, and the terms that only it has there."""

    title: str
    text: str
    tokens: int
    terms: frozenset[str]


class ContextSection:
    """Sections of one title: the sessions that were sent one, and those that used it."""

    def __init__(self) -> None:
        self.text = ""  # as it was last sent
        self.sessions = self.used = self.calls = self.tokens_sent = 0
        self.ids = TraceIds()


class UnusedContext:
    """Cost: a section of facts of which the answers repeat no name, number or identifier.

    Only sections with at least five such terms, found nowhere else in the system message, are
    looked at: rules may well be followed without being repeated. Window and history count.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context = context
        self._open: OpenSessions[dict[str, bool]] = OpenSessions(dict, self._close)
        self._texts: OrderedDict[str, list[SectionText]] = OrderedDict()
        self._sections: dict[str, ContextSection] = {}

    def read_trace(self, trace: Trace) -> None:
        """Look for the sections' terms in what the agent said and asked of tools."""
        sections = self._read_sections(read_system_text(trace))
        if not sections:
            return
        session, calls = self._open.find_state(trace), agent_calls(trace)
        said = _read_output(trace)
        for sent in sections:
            used = any(term in said for term in sent.terms)
            session[sent.title] = session.get(sent.title, False) or used
            if self._context.is_current(trace):
                section = self._sections[sent.title]
                section.text = sent.text
                section.calls += len(calls)
                section.tokens_sent += len(calls) * sent.tokens
                section.ids.add(trace)

    def _close(self, session: dict[str, bool]) -> None:
        for title, used in session.items():
            self._sections[title].sessions += 1
            self._sections[title].used += used

    def _read_sections(self, text: str) -> list[SectionText]:
        if text not in self._texts:
            self._texts[text] = list(self._split(text))
            if len(self._texts) > MOST_TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]

    def _split(self, text: str) -> Iterable[SectionText]:
        for block in find_sections(text):
            part = text[block.start : block.end]
            if not block.title or block.tokens < self._context.policy.least_context_tokens:
                continue
            elsewhere = (text[: block.start] + text[block.end :]).casefold()
            terms = {term.group().casefold() for term in _TERM.finditer(part)}
            own = sorted(term for term in terms if term not in elsewhere)[:MOST_TERMS]
            full = block.title not in self._sections and len(self._sections) >= MOST_SECTIONS
            if len(own) >= FEWEST_TERMS and not full:
                self._sections.setdefault(block.title, ContextSection())
                yield SectionText(block.title, part, block.tokens, frozenset(own))

    def find(self) -> Iterable[Finding]:
        """A finding for each section of facts that the window sends."""
        self._open.close_all()
        for title, section in self._sections.items():
            if section.calls:
                yield self._describe(title, section)

    def _describe(self, title: str, section: ContextSection) -> Finding:
        limit = self._context.policy.context_use
        p_value = float(bdtr(section.used, section.sessions, limit))
        per_day = section.tokens_sent / self._context.days
        tokens = round(section.tokens_sent / section.calls)
        price = self._context.prices.input_price()
        money = None if price is None else per_day * price
        evidence = rate_evidence(
            section.used,
            section.sessions,
            p_value,
            section.ids,
            {"tokens of the section": tokens, "calls that sent it": section.calls},
        ).model_copy(update={"tokens_per_day": per_day, "usd_per_day": money})
        name, text = self._find_prompt(section)
        return Finding(
            detector="unused_context",
            key=title,
            goal=Goal.COST,
            type=ItemType.PROMPT_CHANGE if name else ItemType.CODE_CHANGE,
            title=f"Answers used {plain_name(title)!r} in {section.used:,} of "
            f"{count(section.sessions, 'session')} that were sent it",
            impact=f"~{tokens:,} tokens in each call, ~{per_day:,.0f} tokens a day"
            + ("" if money is None else f", ~${money:,.2f} a day"),
            fix="Leave it out, or fetch it by a tool when it is needed.",
            prompt_key=name,
            prompt_text=text,
            evidence=evidence,
        )

    def _find_prompt(self, section: ContextSection) -> tuple[str, str]:
        """The registered prompt that holds the section, and its text without it."""
        part = section.text.strip()
        for name, text in self._context.prompts.items():
            at = text.find(part)
            if at >= 0:
                block = TextBlock(at, at + len(part), 0)
                return name, remove_blocks(text, [block])
        return "", ""


def _read_output(trace: Trace) -> str:
    texts = [trace.final_message]
    for message in trace.payload.messages:
        if message.get("role") == "assistant":
            texts.append(json.dumps(message, ensure_ascii=False))
    return "\n".join(texts).casefold()
