"""Directions that a built-in strategy can carry out, weighted by the failures they address."""

from collections.abc import Iterator, Sequence

from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.markdown import cut_line, last_line
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.needs import Needs, cell_told, worst_fields
from prompt_lab.analyze.text_metrics import percent
from prompt_lab.names import count
from prompt_lab.records import Direction

ALIGN, CONTRAST, COMPACT = "align_with_schema", "examples_by_contrast", "examples_compact"
CONTRACT, COMPRESS = "state_contract", "compress"
LONG_PROMPT = 2000
"""Tokens at which a prompt counts as long."""
_EXAMPLES = 4


def for_strategies(
    metrics: Metrics,
    needs: Needs,
    available: Sequence[str],
    *,
    words_first: bool,
    reviews: Sequence[AnalystFinding],
) -> Iterator[Direction]:
    """One direction per available strategy; `words_first` until aligning was tried."""
    makers = {
        ALIGN: _align,
        CONTRACT: _contract,
        CONTRAST: _contrast,
        COMPACT: _compact,
        COMPRESS: _compress,
    }
    for name in available:
        if name in makers:
            made = makers[name](metrics, needs, words_first)
            yield made.model_copy(update={"rank_score": min(1.0, _raised(made, reviews))})


def _align(metrics: Metrics, needs: Needs, _: bool) -> Direction:
    return Direction(
        title="Say in the prompt what each field is and is not, as the schema describes it",
        strategy=ALIGN,
        why="Answers have the right form but wrong values: "
        f"{percent(needs.wrong_share)} of the values "
        f"on the {needs.side} are wrong, {percent(needs.from_input)} are other values of the same "
        "input.",
        evidence=_wrong_values(metrics, needs),
        expected=_rises(metrics, needs, needs.wrong_share),
        rank_score=needs.wrong_share + needs.from_input / 10,
    )


def _contract(metrics: Metrics, needs: Needs, _: bool) -> Direction:
    lost = max(needs.invalid, needs.missing)
    errors = [one for one in metrics.errors if one.side is needs.side]
    return Direction(
        title="State the output contract: every key, its type, and nothing else",
        strategy=CONTRACT,
        why=f"{percent(needs.invalid)} of the answers on the {needs.side} break the contract, "
        f"{percent(needs.missing)} of the values are missing.",
        evidence=tuple(
            f"{one.count}x {one.kind} by {one.model}: {last_line(one.example, 100)} ({one.path})"
            for one in errors[:_EXAMPLES]
        )
        or (f"{count(needs.runs, 'run')}, {percent(needs.invalid)} invalid",),
        expected=_rises(metrics, needs, lost),
        rank_score=1.2 * lost,
    )


def _contrast(metrics: Metrics, needs: Needs, words_first: bool) -> Direction:
    return Direction(
        title="Add worked examples that differ where the answers go wrong",
        strategy=CONTRAST,
        why=f"{percent(needs.wrong_share)} of the values are wrong, on some plans and not on others"
        + (
            ": better wording may be enough; try it before examples."
            if words_first
            else "; better wording alone was not enough."
        ),
        evidence=_failing_plans(needs) or _wrong_values(metrics, needs),
        expected=_rises(metrics, needs, needs.wrong_share),
        rank_score=needs.wrong_share * (0.8 if words_first else 1.05),
    )


def _compact(metrics: Metrics, needs: Needs, words_first: bool) -> Direction:
    return Direction(
        title="Add two short examples that differ in structure",
        strategy=COMPACT,
        why=f"{percent(needs.wrong_share)} of the values are wrong, "
        f"{percent(needs.missing)} missing; "
        "short examples cost few tokens and leave less to copy.",
        evidence=_failing_plans(needs) or _wrong_values(metrics, needs),
        expected=_rises(metrics, needs, needs.wrong_share + needs.missing),
        rank_score=(needs.wrong_share + needs.missing) * (0.6 if words_first else 0.9),
    )


def _compress(metrics: Metrics, needs: Needs, _: bool) -> Direction:
    long = min(1.0, needs.prompt_tokens / LONG_PROMPT)
    grown = max(0.0, min(1.0, needs.growth - 1)) if _gained(metrics) <= 0.01 else 0.0
    return Direction(
        title="Say the same in fewer words",
        strategy=COMPRESS,
        why=f"About {needs.prompt_tokens:.0f} tokens of prompt for a score of {needs.primary:.3f}"
        + (f", {needs.growth:.2f} times the baseline's, for no gain." if grown else "."),
        evidence=(f"about {needs.prompt_tokens:.0f} tokens in each of {needs.runs} runs",),
        expected="Fewer input tokens at an equal score; simpler wins when nothing else changes.",
        rank_score=0.05 + 0.2 * long + 0.2 * grown,
    )


def _raised(direction: Direction, reviews: Sequence[AnalystFinding]) -> float:
    """A contradiction of prompt and schema asks for the strategies that remove it."""
    asked = any(one.kind == "contradiction" for one in reviews)
    return direction.rank_score + (0.1 if asked and direction.strategy in (ALIGN, CONTRACT) else 0)


def _wrong_values(metrics: Metrics, needs: Needs) -> tuple[str, ...]:
    return tuple(
        f"{field.field}: right in {percent(field.right)} of {field.n}; "
        f"{one.count}x {cut_line(one.got, 40)!r} for {cut_line(one.gold, 40)!r} ({one.path})"
        for field in worst_fields(metrics, needs.side)[:_EXAMPLES]
        for one in field.wrong[:1]
    ) or (f"{metrics.primary} {needs.primary:.3f} over {needs.runs} runs",)


def _failing_plans(needs: Needs) -> tuple[str, ...]:
    return tuple(cell_told(cell, needs.side) for cell in needs.failing[:_EXAMPLES])


def _rises(metrics: Metrics, needs: Needs, share: float) -> str:
    gain = min(share, 1 - needs.primary) / 2
    return (
        f"{metrics.primary} from {needs.primary:.3f} to about {needs.primary + gain:.3f}, "
        "if half of these become right."
    )


def _gained(metrics: Metrics) -> float:
    before, after = metrics.totals.baseline, metrics.totals.candidate
    return after.primary - before.primary if before and after else 0.0
