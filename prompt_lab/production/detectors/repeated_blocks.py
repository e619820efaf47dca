"""Blocks of text that are sent twice in one request."""

from collections import OrderedDict
from collections.abc import Iterable

from prompt_lab.production.detector import DetectionContext, TraceIds, agent_calls, plain_name
from prompt_lab.production.text_blocks import (
    TextBlock,
    find_repeats,
    read_system_text,
    remove_blocks,
)
from prompt_lab.reviews import Finding, FindingEvidence, Goal, ItemType
from prompt_lab.traces import Trace

MOST_TEXTS, MOST_TITLES, MOST_INJECTED = 200, 200, 5


class InjectedBlock:
    """A block that code, not a registered prompt, sends twice; by its first line."""

    def __init__(self) -> None:
        self.calls = self.traces = self.tokens_sent = 0
        self.ids = TraceIds()


class RepeatedBlocks:
    """Cost: a block twice in a registered prompt, or twice in what was sent.

    In a registered prompt the finding is a prompt change without the second one; elsewhere it is
    a code change. Tokens are estimated from the text, money from what calls cost.
    """

    replaces: tuple[str, ...] = ()

    def __init__(self, context: DetectionContext) -> None:
        self._context, least = context, context.policy.least_block_tokens
        self._prompts = {
            name: found
            for name, text in context.prompts.items()
            if (found := find_repeats(text, least))
        }
        # by first line: in what was sent, placeholders of the block may be filled
        self._registered = {block.title for blocks in self._prompts.values() for block in blocks}
        self._calls = dict.fromkeys(self._prompts, 0)
        self._ids = {name: TraceIds() for name in self._prompts}
        self._injected: dict[str, InjectedBlock] = {}
        self._texts: OrderedDict[str, list[tuple[str, int]]] = OrderedDict()

    def read_trace(self, trace: Trace) -> None:
        """Count the calls of a trace of the window, and look at what was sent."""
        if not self._context.is_current(trace):
            return
        calls = agent_calls(trace)
        sent = read_system_text(trace)
        for name, blocks in self._prompts.items():
            if _was_sent(name, blocks[0], trace, sent):
                self._calls[name] += len(calls)
                self._ids[name].add(trace)
        for title, tokens in self._find_in(sent):
            if title not in self._injected and len(self._injected) >= MOST_TITLES:
                continue
            injected = self._injected.setdefault(title, InjectedBlock())
            injected.calls += len(calls)
            injected.tokens_sent += tokens * len(calls)
            injected.traces += 1
            injected.ids.add(trace)

    def _find_in(self, text: str) -> list[tuple[str, int]]:
        if text not in self._texts:
            self._texts[text] = [
                (block.title, block.tokens)
                for block in find_repeats(text, self._context.policy.least_block_tokens)
                if block.title not in self._registered
            ]
            if len(self._texts) > MOST_TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]

    def find(self) -> Iterable[Finding]:
        """One finding for each prompt, and for each injected block; no chance is involved."""
        for name, blocks in self._prompts.items():
            if self._calls[name]:
                yield self._describe_prompt(name, blocks)
        found = sorted(self._injected.items(), key=lambda one: -one[1].tokens_sent)
        for title, injected in found[:MOST_INJECTED]:
            if injected.calls:
                yield self._describe_injected(plain_name(title), injected)

    def _describe_prompt(self, name: str, blocks: list[TextBlock]) -> Finding:
        tokens = sum(block.tokens for block in blocks)
        title = plain_name(blocks[0].title)
        where = f"in the prompt {plain_name(name)} twice (~{tokens:,} tokens)"
        text = remove_blocks(self._context.prompts[name], blocks)
        return self._describe(
            tokens, self._calls[name], self._ids[name], title, len(blocks)
        ).model_copy(
            update={
                "key": name,
                "type": ItemType.PROMPT_CHANGE,
                "title": f"{title!r} is {where}",
                "fix": "Remove the second one.",
                "prompt_key": name,
                "prompt_text": text,
            }
        )

    def _describe_injected(self, title: str, injected: InjectedBlock) -> Finding:
        tokens = round(injected.tokens_sent / injected.calls)
        finding = self._describe(tokens, injected.calls, injected.ids, title, 1)
        counts = {**finding.evidence.counts, "traces": injected.traces}
        evidence = finding.evidence.model_copy(update={"counts": counts})
        return finding.model_copy(update={"evidence": evidence})

    def _describe(self, tokens: int, calls: int, ids: TraceIds, title: str, blocks: int) -> Finding:
        per_day = tokens * calls / self._context.days
        price = self._context.prices.input_price()
        money = None if price is None else per_day * price
        return Finding(
            detector="repeated_blocks",
            key=f"injected {title}",
            goal=Goal.COST,
            type=ItemType.CODE_CHANGE,
            title=f"{title!r} is sent twice in a request (~{tokens:,} tokens)",
            impact=f"~{per_day:,.0f} tokens a day"
            + ("" if money is None else f", ~${money:,.2f} a day"),
            fix="Send it once: look for the second place in the code that adds it.",
            evidence=FindingEvidence(
                counts={"tokens sent again": tokens, "calls": calls, "blocks": blocks},
                trace_ids=ids.read(),
                tokens_per_day=per_day,
                usd_per_day=money,
            ),
        )


def _was_sent(name: str, block: TextBlock, trace: Trace, sent: str) -> bool:
    """Whether the trace used the prompt: by its record, else by its text, else it is assumed."""
    if trace.payload.prompts:
        return name in trace.payload.prompts
    return not sent or block.title in sent
