"""Pairs of runs for a reader: a list of all, and the texts of those that flipped."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prompt_lab.analyze.model import Flip
from prompt_lab.names import Side, count
from prompt_lab.records import PlanText, RunRow
from prompt_lab.report.marks import Marked, Span, unmarked, mark_differing_words
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import path_href

LONGEST = 6000
"""Characters of one text that the page shows; the run folder has the rest."""
NEAR = 0.5
"""Share of an answer that must agree with gold for the marks to say anything."""


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
    panels += [Panel("gold", *_display_answer(item)) for item in plan.gold.items()]
    return tuple(panels)


def _mark_texts(left: str, right: str, gold: str | None) -> Marked:
    """Against gold where an answer comes near to it, else against each other."""
    if gold is not None:
        one, two = mark_differing_words(left, gold).left, mark_differing_words(right, gold).left
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
    'answered by b (1 call), nobody (1 call)'
    """
    found = Counter(call.answered_by for call in row.record.calls)
    if not found or set(found) == {row.record.model}:
        return ""
    parts = [f"{alias or 'nobody'} ({count(n, 'call')})" for alias, n in found.items()]
    return f"answered by {', '.join(parts)}"


def _cut_text(text: str) -> str:
    return f"the first {LONGEST:,} of {len(text):,} characters" if len(text) > LONGEST else ""
