"""Pairs of runs for a reader: a list of all, and the texts of those that flipped."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prompt_lab.analyze.model import Flip
from prompt_lab.names import Side
from prompt_lab.records import PlanText, RunRow
from prompt_lab.report.marks import Marked, Span, plain, words
from prompt_lab.report.view import ReportView
from prompt_lab.report.words import path_href

LONGEST = 6000
"""Characters of one text that the page shows; the run folder has the rest."""


class Panel(NamedTuple):
    """One text of a flip: `note` says what is wrong or cut, `link` leads to its run folder."""

    title: str
    name: str
    spans: tuple[Span, ...]
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
    panels = [Panel("input", *_shown(item)) for item in plan.inputs.items()]
    names = tuple(dict.fromkeys([*old, *new])) or ("",)
    for name in names:
        left, right, gold = old.get(name, ""), new.get(name, ""), _gold(plan.gold, name, names)
        one, two = _marked(left[:LONGEST], right[:LONGEST], gold)
        panels.append(
            Panel("baseline", name, one, _note(before, left), _to(flip.baseline_path, view))
        )
        panels.append(
            Panel("candidate", name, two, _note(after, right), _to(flip.candidate_path, view))
        )
    panels += [Panel("gold", *_shown(item)) for item in plan.gold.items()]
    return tuple(panels)


def _marked(left: str, right: str, gold: str | None) -> Marked:
    """Against gold where there is one, else against each other."""
    if gold is None:
        return words(left, right)
    return Marked(words(left, gold).left, words(right, gold).left)


def _gold(gold: Mapping[str, str], name: str, names: tuple[str, ...]) -> str | None:
    if name in gold:
        return gold[name][:LONGEST]
    return next(iter(gold.values()))[:LONGEST] if len(gold) == len(names) == 1 else None


def _shown(item: tuple[str, str]) -> tuple[str, tuple[Span, ...], str]:
    name, text = item
    return name, plain(text[:LONGEST]), _cut(text)


def _note(row: RunRow | None, text: str) -> str:
    if row is None:
        return "its run was not read"
    error = row.record.error
    parts = [f"{error.kind}: {error.message}" if error else "", _cut(text)]
    if not text and not error:
        parts.append("no output")
    return "; ".join(part for part in parts if part)


def _cut(text: str) -> str:
    return f"the first {LONGEST:,} of {len(text):,} characters" if len(text) > LONGEST else ""


def _to(path: str, view: ReportView) -> str:
    return path_href(view.lab, path) if path else ""
