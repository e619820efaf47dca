"""Pairs of runs for a reader: a list of all, and the texts of those that flipped."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

from prompt_lab.analyze.model import Flip
from prompt_lab.names import Side, count
from prompt_lab.records import PlanText, RunRow
from prompt_lab.report.right_answer import right_answer
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import path_href

# Scripts without spaces go letter by letter; elsewhere a number or a date is one word.
_TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|\w+(?:[.,:/'’-]\w+)*|\s+|[^\w\s]")
_SHOWN = str.maketrans({" ": "·", "\t": "→\t", "\r": "␍"})


class Span(NamedTuple):
    """A piece of text, and whether the other text lacks it."""

    text: str
    changed: bool


class Marked(NamedTuple):
    """Both texts in spans."""

    left: tuple[Span, ...]
    right: tuple[Span, ...]


def unmarked(text: str) -> tuple[Span, ...]:
    """A text without marks."""
    return (Span(text, False),) if text else ()


def mark_differing_words(left: str, right: str) -> Marked:
    """Mark the words that differ; white space is left out of account.

    >>> mark_differing_words("the total is 12.50", "the  total was 12.50").left
    (Span(text='the total ', changed=False), Span(text='is', changed=True), \
Span(text=' 12.50', changed=False))
    """
    a, b = tokens(left), tokens(right)
    at_a = [i for i, token in enumerate(a) if not token.isspace()]
    at_b = [i for i, token in enumerate(b) if not token.isspace()]
    matcher = SequenceMatcher(None, [a[i] for i in at_a], [b[i] for i in at_b], autojunk=True)
    same_a: set[int] = set()
    same_b: set[int] = set()
    for block in matcher.get_matching_blocks():
        same_a.update(at_a[block.a : block.a + block.size])
        same_b.update(at_b[block.b : block.b + block.size])
    return Marked(_spans(a, same_a), _spans(b, same_b))


def spaces(left: str, right: str) -> Marked:
    """Two lines that differ in white space alone, with that white space made visible.

    >>> spaces("a b ", "a b").left
    (Span(text='a b', changed=False), Span(text='·', changed=True))
    """
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    out: tuple[list[Span], list[Span]] = ([], [])
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        for spans, text in zip(out, (left[a0:a1], right[b0:b1]), strict=True):
            if text:
                changed = kind != "equal"
                spans.append(Span(text.translate(_SHOWN) if changed else text, changed))
    return Marked(tuple(out[0]), tuple(out[1]))


def tokens(text: str) -> list[str]:
    """Words, marks and white space; joined they are the text again."""
    return _TOKEN.findall(text)


def _spans(parts: list[str], same: set[int]) -> tuple[Span, ...]:
    """White space between two changed words belongs to the change, so a phrase is one mark."""
    changed = [i not in same and not part.isspace() for i, part in enumerate(parts)]
    for i in range(1, len(parts) - 1):
        if parts[i].isspace() and "\n" not in parts[i]:
            changed[i] = changed[i - 1] and changed[i + 1]
    return tuple(_joined(zip(parts, changed, strict=True)))


def _joined(parts: Iterable[tuple[str, bool]]) -> Iterable[Span]:
    for changed, group in groupby(parts, key=lambda part: part[1]):
        yield Span("".join(text for text, _ in group), changed)


LONGEST = 6000
"""Characters of one text that the page shows; the run folder has the rest."""
NEAR = 0.5
"""Share of an answer that must agree with gold for the marks to say anything."""


_ROLES = ("system", "user")
"""Of the messages of a request, in order."""


class Panel(NamedTuple):
    """One text of a flip; `note` says what is wrong with it, `link` leads to its run folder."""

    title: str
    name: str
    spans: tuple[Span, ...]
    cut: str = ""
    note: str = ""
    link: str = ""


class FlipRow(NamedTuple):
    """A flip with its texts."""

    anchor: str
    flip: Flip
    panels: tuple[Panel, ...]


class PairRow(NamedTuple):
    """Both runs of a model on a plan; a side that was not run is None."""

    anchor: str
    model: str
    plan: str
    replicate: int
    baseline: RunRow | None
    candidate: RunRow | None

    @property
    def change(self) -> float | None:
        """Candidate minus baseline."""
        if self.baseline is None or self.candidate is None:
            return None
        return self.candidate.record.primary - self.baseline.record.primary


def flip_rows(view: ReportView) -> tuple[FlipRow, ...]:
    """Every flip of the train plans, with input, both answers and gold where they are known."""
    if view.metrics is None:
        return ()
    runs = {row.path: row for row in view.rows}
    return tuple(
        FlipRow(f"flip-{number}", flip, _panels(flip, runs, view))
        for number, flip in enumerate(view.metrics.flips, 1)
    )


def pair_rows(rows: Iterable[RunRow]) -> tuple[PairRow, ...]:
    """All runs, paired, in the order of model, plan and replicate."""
    found: dict[tuple[str, str, int], dict[Side, RunRow]] = {}
    for row in rows:
        record = row.record
        found.setdefault((record.model, record.plan, record.replicate), {})[record.side] = row
    return tuple(
        PairRow(f"pair-{number}", *key, sides.get(Side.BASELINE), sides.get(Side.CANDIDATE))
        for number, (key, sides) in enumerate(sorted(found.items()), 1)
    )


def links(flips: Iterable[FlipRow], pairs: Iterable[PairRow]) -> dict[tuple[str, str], str]:
    """(model, plan) -> the place on the page that shows its runs: a flip before a mere pair."""
    found = {(pair.model, pair.plan): f"#{pair.anchor}" for pair in pairs}
    found.update({(row.flip.model, row.flip.plan): f"#{row.anchor}" for row in reversed([*flips])})
    return found


def _panels(flip: Flip, runs: Mapping[str, RunRow], view: ReportView) -> tuple[Panel, ...]:
    plan = view.plans.get(flip.plan) or PlanText(name=flip.plan, inputs={})
    before, after = runs.get(flip.baseline_path), runs.get(flip.candidate_path)
    old, new = (row.outputs if row else {} for row in (before, after))
    panels = [Panel("input", *_display_answer(item)) for item in plan.inputs.items()]
    names = tuple(dict.fromkeys([*old, *new])) or ("",)
    for name in names:
        left, right = old.get(name, ""), new.get(name, "")
        one, two = _mark_texts(left[:LONGEST], right[:LONGEST], _gold(plan.gold, name, names))
        for side, text, spans, run, path in (
            ("baseline", left, one, before, flip.baseline_path),
            ("candidate", right, two, after, flip.candidate_path),
        ):
            link = path_href(view.lab, path) if path else ""
            panels.append(Panel(side, name, spans, _cut_text(text), _note(run, text), link))
    panels += _sent_panels(before, after, view)
    panels += [Panel("gold", *_display_answer(item)) for item in plan.gold.items()]
    return (*panels, *_judge_panels(flip, view))


def _sent_panels(before: RunRow | None, after: RunRow | None, view: ReportView) -> Iterable[Panel]:
    """The messages that the runs sent, in order; once where both sides sent the same."""
    sent = [row.record.sent.messages if row else () for row in (before, after)]
    for at, pair in enumerate(zip_longest(*sent)):
        name = _ROLES[at % len(_ROLES)]
        texts = [view.messages.get(digest or "") for digest in pair]
        if texts[0] is not None and texts[0] == texts[1]:
            yield Panel("sent by both", *_display_answer((name, texts[0])))
            continue
        for side, text in zip(Side, texts, strict=True):
            if text is not None:
                yield Panel(f"sent, {side.value}", *_display_answer((name, text)))


def _judge_panels(flip: Flip, view: ReportView) -> Iterable[Panel]:
    """What the judge said about the pair, once for each order."""
    cell = (flip.model, flip.plan, flip.replicate)
    for one in view.judge_reasons:
        if (one.model, one.plan, one.replicate) == cell:
            yield Panel("judge", *_display_answer(("baseline first", one.baseline_first)))
            yield Panel("judge", *_display_answer(("candidate first", one.candidate_first)))


def _mark_texts(left: str, right: str, gold: str | None) -> Marked:
    """Against gold where an answer comes near to it, else against each other."""
    if gold is not None:
        one, two = (mark_differing_words(s, right_answer(s, gold)).left for s in (left, right))
        if max(_unmarked_share(one), _unmarked_share(two)) >= NEAR:
            return Marked(one, two)
    return mark_differing_words(left, right)


def _unmarked_share(spans: tuple[Span, ...]) -> float:
    """Share of the characters that are not marked."""
    total = sum(len(span.text) for span in spans)
    return sum(len(span.text) for span in spans if not span.changed) / total if total else 0.0


def _gold(gold: Mapping[str, str], name: str, names: tuple[str, ...]) -> str | None:
    if name in gold:
        return gold[name][:LONGEST]
    return next(iter(gold.values()))[:LONGEST] if len(gold) == len(names) == 1 else None


def _display_answer(item: tuple[str, str]) -> tuple[str, tuple[Span, ...], str]:
    name, text = item
    return name, unmarked(text[:LONGEST]), _cut_text(text)


def _note(row: RunRow | None, text: str) -> str:
    if row is None:
        return "its run was not read"
    if row.record.error:
        said = f"{row.record.error.kind}: {row.record.error.message}"
    else:
        said = "" if text else "no output"
    return "; ".join(part for part in (said, who(row)) if part)


def who(row: RunRow) -> str:
    """Who answered a run, call by call, where it was not its own model alone.

    >>> from types import SimpleNamespace as of
    >>> who(of(record=of(model="a", calls=[of(answered_by="b"), of(answered_by="")])))
    'answered by b (1 call), no model (1 call)'
    """
    found = Counter(call.answered_by for call in row.record.calls)
    if not found or set(found) == {row.record.model}:
        return ""
    parts = [f"{alias or 'no model'} ({count(n, 'call')})" for alias, n in found.items()]
    return f"answered by {', '.join(parts)}"


def _cut_text(text: str) -> str:
    return f"the first {LONGEST:,} of {len(text):,} characters" if len(text) > LONGEST else ""
