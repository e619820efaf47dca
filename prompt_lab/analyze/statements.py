"""Turn the metrics into findings, one sentence each, by weight."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from prompt_lab.analyze import statements_texts as texts
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.markdown import cut_line, last_line
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.text_metrics import change, money, percent, ratio, score, seconds, times
from prompt_lab.names import Side, count

MOST_OF_A_KIND, MOST_OF_A_MODEL = 16, 3
"""The most findings of one kind, and the most of these about one model."""
EXAMPLES = 8
DISAGREES = 0.2
"""A field that reads like gold this much more often than it is credited gets a finding."""
SPEED = 1.2
"""A model that got slower, more expensive or longer by this factor gets a finding."""


def statements(metrics: Metrics) -> tuple[AnalystFinding, ...]:
    """The findings, at most MOST_OF_A_KIND of each kind."""
    makers: Sequence[Callable[[Metrics], Iterable[AnalystFinding]]] = (
        _scores,
        _flips,
        _errors,
        _fields,
        _scorer_disagrees,
        texts.openers,
        texts.phrases,
        texts.duplicates,
        texts.placeholders,
        texts.copied_findings,
        texts.identical,
        texts.lengths,
        _prices,
    )
    found = [finding for maker in makers for finding in _few(maker(metrics))]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _few(findings: Iterable[AnalystFinding]) -> list[AnalystFinding]:
    """The findings of a kind with the largest weight, limited per model."""
    per_model: Counter[str] = Counter()
    kept: list[AnalystFinding] = []
    for finding in sorted(findings, key=lambda one: -one.weight):
        per_model[finding.model] += 1
        if per_model[finding.model] <= MOST_OF_A_MODEL and len(kept) < MOST_OF_A_KIND:
            kept.append(finding)
    return kept


def _scores(metrics: Metrics) -> Iterator[AnalystFinding]:
    for stats in (metrics.totals, *metrics.models):
        name = stats.model or "all models"
        before, after = stats.baseline, stats.candidate
        if before and after:
            gap = after.primary - before.primary
            yield AnalystFinding(
                kind="score",
                text=f"{metrics.primary} of {name}: {score(before.primary)} before, "
                f"{score(after.primary)} after ({change(before.primary, after.primary)}).",
                evidence=(f"{count(before.n, 'run')} before, {after.n} after",),
                model=stats.model,
                says="better" if gap > 0 else "worse" if gap < 0 else "same",
                weight=min(1.0, abs(gap)),
            )
        elif one := before or after:
            yield AnalystFinding(
                kind="score",
                text=f"{metrics.primary} of {name}: {score(one.primary)}.",
                evidence=(
                    f"{count(one.n, 'run')}, {one.errors} with an error, valid "
                    f"{percent(one.valid)}",
                ),
                side=metrics.sides[0],
                model=stats.model,
                weight=min(1.0, max(0.0, 1 - one.primary)),
            )


def _flips(metrics: Metrics) -> Iterator[AnalystFinding]:
    pairs = sum(cell.n_baseline for cell in metrics.cells) or 1
    for better, word in ((True, "better"), (False, "worse")):
        turned = [flip for flip in metrics.flips if flip.better is better]
        if turned:
            yield AnalystFinding(
                kind="flip_" + word,
                text=f"{len(turned)} of {count(pairs, 'run')} turned {word}.",
                evidence=tuple(
                    f"{flip.model} on {flip.plan}: {score(flip.baseline)} "
                    f"({flip.baseline_path}) -> {score(flip.candidate)} ({flip.candidate_path})"
                    for flip in turned[:EXAMPLES]
                ),
                says="better" if better else "worse",
                weight=min(1.0, len(turned) / pairs),
            )


def _errors(metrics: Metrics) -> Iterator[AnalystFinding]:
    runs = {side: max(1, _runs(metrics, side)) for side in Side}
    for error in metrics.errors:
        yield AnalystFinding(
            kind="error",
            text=f"{error.model} ended in {error.kind!r} {count(error.count, 'time')} on the "
            f"{error.side}: {last_line(error.example, 300)}",
            evidence=(
                f"{count(error.count, 'run')} on {', '.join(error.plans[:5])} ({error.path})",
            ),
            side=error.side,
            model=error.model,
            about=error.kind,
            weight=min(1.0, error.count / runs[error.side]),
        )


def _fields(metrics: Metrics) -> Iterator[AnalystFinding]:
    for field in metrics.accuracy:
        if field.model or field.right == 1:
            continue
        wrong = field.n - round(field.right * field.n)
        yield AnalystFinding(
            kind="field",
            text=f"{field.field!r} is right in {percent(field.right)} on the {field.side}; of "
            f"{wrong} wrong values {field.missing} are missing, {field.from_input} occur elsewhere "
            f"in the plan's inputs, {field.made_up} are made up.",
            evidence=tuple(
                f"{one.count}x {cut_line(one.got, 60)!r} for {cut_line(one.gold, 60)!r}"
                f" ({one.path})"
                for one in field.wrong
            ),
            side=field.side,
            about=field.field,
            weight=1 - field.right,
        )


def _scorer_disagrees(metrics: Metrics) -> Iterator[AnalystFinding]:
    for field in metrics.accuracy:
        if field.model or field.credit is None or field.right - field.credit < DISAGREES:
            continue
        yield AnalystFinding(
            kind="scorer_disagrees",
            text=f"The scorer credits {field.field!r} in {percent(field.credit)} on the "
            f"{field.side}, though {percent(field.right)} of its values read like gold: their "
            "types or spelling differ. See 'compare' of the step's file.",
            evidence=(f"{count(field.n, 'value')} compared",),
            side=field.side,
            about=field.field,
            weight=1.0,
        )


def _prices(metrics: Metrics) -> Iterator[AnalystFinding]:
    before, after = metrics.totals.baseline, metrics.totals.candidate
    if not (before and after):
        return
    pairs = (
        ("latency", before.latency_median, after.latency_median, seconds),
        ("cost", before.cost_usd / before.n, after.cost_usd / after.n, money),
        ("tokens_in", before.input_tokens / before.n, after.input_tokens / after.n, _tokens),
        ("tokens_out", before.output_tokens / before.n, after.output_tokens / after.n, _tokens),
    )
    for kind, old, new, shown in pairs:
        times_more = ratio(old, new)
        if times_more and not 1 / SPEED <= times_more <= SPEED:
            yield AnalystFinding(
                kind=kind,
                text=f"{kind} per run: {shown(old)} before, {shown(new)} after "
                f"({times(times_more)}).",
                evidence=(f"{count(before.n, 'run')} before, {after.n} after",),
                weight=min(1.0, abs(times_more - 1) / 2),
            )


def _tokens(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} tokens"


def _runs(metrics: Metrics, side: Side) -> int:
    stats = metrics.totals.baseline if side is Side.BASELINE else metrics.totals.candidate
    return stats.n if stats else 0
