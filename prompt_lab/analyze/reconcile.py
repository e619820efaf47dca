"""Compare the analysts: who took part, where they agree, and where they disagree."""

from collections import defaultdict
from collections.abc import Mapping

from prompt_lab.analyze.check_claims import claimed_change
from prompt_lab.analyze.findings import METRICS, AnalystFinding, Views, is_parsed
from prompt_lab.analyze.synthesis_model import Participant

Claims = Mapping[tuple[str, str, str], Mapping[str, AnalystFinding]]


def took_part(insights: Views, reviews: Views) -> tuple[Participant, ...]:
    """Every analyst that was asked, and how it ended."""
    names = dict.fromkeys((*insights, *reviews))
    return tuple(
        Participant(analyst=name, insight=_state(insights, name), review=_state(reviews, name))
        for name in names
    )


def _state(views: Views, name: str) -> str:
    if name not in views:
        return "-"
    view = views[name]
    if view is None:
        return "failed"
    return "read" if is_parsed(tuple(view)) else "unparsed"


def claims_of(insights: Views, reviews: Views) -> Claims:
    """(kind, model, what about) -> analyst -> its weightiest finding there."""
    claims: dict[tuple[str, str, str], dict[str, AnalystFinding]] = defaultdict(dict)
    for views in (insights, reviews):
        for analyst, view in views.items():
            for finding in sorted(view or (), key=lambda one: one.weight):
                if is_parsed((finding,)):
                    key = (finding.kind, finding.model, finding.about.casefold())
                    claims[key][analyst] = finding
    return claims


def agreed(claims: Claims) -> tuple[str, ...]:
    """Findings of several analysts that none contradicts. Only `metrics` needs no evidence."""
    shown = (
        {name: one for name, one in views.items() if one.evidence or name == METRICS}
        for views in claims.values()
        if not _opposed(views)
    )
    return tuple(
        f"{', '.join(views)}: {next(iter(views.values())).text}"
        for views in shown
        if len(views) > 1
    )


def disputed(claims: Claims) -> tuple[str, ...]:
    """Findings that one analyst calls better and another worse."""
    return tuple(
        " But ".join(f"{analyst} says: {one.text}" for analyst, one in views.items())
        for views in claims.values()
        if _opposed(views)
    )


def _opposed(views: Mapping[str, AnalystFinding]) -> bool:
    return len({claim for one in views.values() if (claim := claimed_change(one))}) > 1


def single_analyst_findings(insights: Views, reviews: Views) -> list[tuple[str, AnalystFinding]]:
    """Findings with evidence of one analyst other than `metrics`, by weight."""
    found = [
        (analyst, finding)
        for views in claims_of(insights, reviews).values()
        for analyst, finding in views.items()
        if len(views) == 1 and analyst != METRICS and finding.evidence
    ]
    return sorted(found, key=lambda item: -item[1].weight)
