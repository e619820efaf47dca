"""Hold what analysts say the change did against the numbers; a refuted claim goes no further."""

import re
from collections.abc import Iterator
from statistics import fmean
from typing import NamedTuple

from prompt_lab.analyze.findings import METRICS, AnalystFinding, Says, Views
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.text_metrics import score
from prompt_lab.names import Side

SMALLEST_GAP = 1e-9
_WORSE = re.compile(r"\b(worse|worsens?|degrades?|hurts?)\b", re.IGNORECASE)
_BETTER = re.compile(r"\b(better|improves?|improved)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(not?|never|neither|nor|without|less|instead)\b|n't\b", re.IGNORECASE)


class ClaimMeasurement(NamedTuple):
    """A mean of both sides; `name` says of what."""

    name: str
    baseline: float
    candidate: float


class CheckedViews(NamedTuple):
    """The findings that the numbers allow, and a sentence for each that they contradict."""

    views: Views
    contradicted: tuple[str, ...]


def check_claims(views: Views, metrics: Metrics) -> CheckedViews:
    """Take out findings that say 'better' or 'worse' where the runs of both sides say the opposite.

    Only what was measured is checked: the primary score, parts of the score, fields against gold
    and single plans, of the finding's model. Other claims, and those of `metrics`, pass.
    """
    left: dict[str, tuple[AnalystFinding, ...] | None] = {}
    refuted: list[str] = []
    for analyst, view in views.items():
        if view is None or analyst == METRICS:
            left[analyst] = None if view is None else tuple(view)
            continue
        fine = []
        for finding in view:
            measured = _contradiction(finding, metrics)
            if measured is None:
                fine.append(finding)
            else:
                refuted.append(_sentence(analyst, finding, measured))
        left[analyst] = tuple(fine)
    return CheckedViews(left, tuple(refuted))


def claimed_change(finding: AnalystFinding) -> Says:
    """What a finding says that the candidate did: its `says`, else a plain word of its text.

    What is said of the baseline's runs alone may be meant either way, and claims nothing.

    >>> claimed_change(AnalystFinding(kind="field", text="The new line makes amounts worse."))
    'worse'
    >>> claimed_change(AnalystFinding(kind="field", text="Amounts did not get worse."))
    ''
    """
    if finding.side is Side.BASELINE:
        return ""
    if finding.says:
        return finding.says
    worse, better = _WORSE.search(finding.text), _BETTER.search(finding.text)
    if _NEGATION.search(finding.text) or bool(worse) == bool(better):
        return ""
    return "worse" if worse else "better"


def _contradiction(finding: AnalystFinding, metrics: Metrics) -> ClaimMeasurement | None:
    claim = claimed_change(finding)
    if claim not in ("better", "worse"):
        return None
    measured = _measurement(finding, metrics)
    if measured is None:
        return None
    gap = measured.candidate - measured.baseline
    refuted = gap < -SMALLEST_GAP if claim == "better" else gap > SMALLEST_GAP
    return measured if refuted else None


def _measurement(finding: AnalystFinding, metrics: Metrics) -> ClaimMeasurement | None:
    """The number that a finding is about: the one that it names, else the primary of a 'score'."""
    measurements = list(_measurements(finding.model, metrics))
    about = finding.about.casefold()
    for one in measurements:
        if about == one.name.casefold():
            return one
    named = [one for one in measurements if _names(finding.about or finding.text, one.name)]
    if len(named) == 1:
        return named[0]
    if finding.kind == "score" and not finding.about:
        return next((one for one in measurements if one.name == metrics.primary), None)
    return None


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}s?(?!\w)", text, re.IGNORECASE) is not None


def _measurements(model: str, metrics: Metrics) -> Iterator[ClaimMeasurement]:
    """Primary, parts, fields and plans of a model ('' for all), each name once."""
    found: dict[str, ClaimMeasurement] = {}
    for stats in (metrics.totals, *metrics.models):
        if stats.model == model and stats.baseline and stats.candidate:
            before, after = stats.baseline, stats.candidate
            found[metrics.primary] = ClaimMeasurement(
                metrics.primary, before.primary, after.primary
            )
            for name in before.parts.keys() & after.parts.keys():
                both = ClaimMeasurement(name, before.parts[name], after.parts[name])
                found.setdefault(name, both)
    right: dict[str, dict[Side, float]] = {}
    for field in metrics.accuracy:
        if field.model == model:
            right.setdefault(field.field, {})[field.side] = field.right
    for name, sides in right.items():
        if len(sides) == 2:
            both = ClaimMeasurement(name, sides[Side.BASELINE], sides[Side.CANDIDATE])
            found.setdefault(name, both)
    scores: dict[str, list[tuple[float, float]]] = {}
    for cell in metrics.cells:
        if model in ("", cell.model) and cell.baseline is not None and cell.candidate is not None:
            scores.setdefault(cell.plan, []).append((cell.baseline, cell.candidate))
    for plan, pairs in scores.items():
        before_mean, after_mean = (fmean(side) for side in zip(*pairs, strict=True))
        found.setdefault(plan, ClaimMeasurement(plan, before_mean, after_mean))
    yield from found.values()


def _sentence(analyst: str, finding: AnalystFinding, measured: ClaimMeasurement) -> str:
    of = f" of {finding.model}" if finding.model else ""
    return (
        f"{analyst} says: {finding.text} But {measured.name}{of} went from "
        f"{score(measured.baseline)} to {score(measured.candidate)}."
    )
