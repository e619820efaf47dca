"""The numbers behind a verdict, each with its name and what it means."""

from typing import NamedTuple

from prompt_lab.decide.result import VerifyResult
from prompt_lab.decide.verdict import Interval, Screening, Verdict
from prompt_lab.names import Outcome, count
from prompt_lab.report.view import ReportView, Spent
from prompt_lab.report.words import NOTHING, duration, money, points


class Fact(NamedTuple):
    """A named value; `note` explains it."""

    name: str
    value: str
    note: str = ""


def is_of_screening(verdict: Verdict) -> bool:
    """Whether the numbers of a verdict are those of its train plans, which only screen."""
    seen = verdict.screening
    return seen is not None and seen.fingerprint == verdict.fingerprint


def headline(verdict: Verdict) -> float | None:
    """The number to report: the gain to claim of a YES whose figures are open, else the effect."""
    open_yes = verdict.outcome is Outcome.YES and not is_of_screening(verdict)
    return verdict.claimed if open_yes and verdict.claimed is not None else verdict.effect


def measured_note(verdict: Verdict) -> str:
    """What was measured, where the headline is corrected for selection; else ''."""
    shown = headline(verdict)
    if shown is None or shown == verdict.effect:
        return ""
    return f"to claim, measured {points(verdict.effect)}"


def judge_note(view: ReportView) -> str:
    """What the numbers are where a judge decides; '' where scores do."""
    if not view.setup.judge:
        return ""
    return (
        f"{view.setup.judge} compared the answers: scores are the share of pairs that it prefers,"
        " a tie counts half"
    )


def sealed_note(view: ReportView) -> str:
    """What is not shown, and the command that shows it; '' where nothing is hidden."""
    if not view.sealed:
        return ""
    return (
        f"The figures of the verify plans are sealed. `prompt-lab reveal --number {view.iteration}`"
        " shows them, and these plans then decide about no further candidate."
    )


def facts(view: ReportView) -> tuple[Fact, ...]:
    """The size and the price of the iteration, for the head of the page."""
    setup, spent, verdict = view.setup, view.spent, view.verdict
    replicates = f" × {count(setup.replicates, 'replicate')}" if setup.replicates > 1 else ""
    plans = verdict.n_plans if verdict else 0
    pairs = verdict.n_pairs if verdict else 0
    decided = verdict is not None and verdict.screening and not is_of_screening(verdict)
    split, given = ("verify", setup.verify_plans) if decided else ("train", setup.train_plans)
    asked = f"of {len(given)} {split} plans" if given else f"{split} plans"
    return (
        Fact("plans", f"{plans:,}", asked),
        Fact("pairs", f"{pairs:,}", f"{count(len(setup.models), 'model')}{replicates}"),
        Fact("calls", *calls(view).split(" ", 1)),
        Fact("cost", money(spent.cost_usd), by_agents(spent) or _what_counts(spent)),
        Fact("time of runs", duration(spent.seconds), _what_counts(spent)),
    )


def _what_counts(spent: Spent) -> str:
    return "without the sealed plans" if spent.sealed_at_most else "of all runs"


def without_sealed(spent: Spent) -> str:
    """A note that cost and time leave out the sealed plans; '' where they do not."""
    return f" {_what_counts(spent)}" if spent.sealed_at_most else ""


def by_agents(spent: Spent) -> str:
    """The part of the cost that is due to agents; '' without agents."""
    if not spent.agents:
        return ""
    return f"{money(spent.agents_usd)} of it for {count(spent.agents, 'task')} of agents"


def calls(view: ReportView) -> str:
    """Calls replayed, made, reused, rescored (their answers were reused), and spared."""
    spent, verdict = view.spent, view.verdict
    replayed = f"{spent.calls_replayed:,} replayed, " if spent.calls_replayed else ""
    twice = f" ({spent.duplicate_calls:,} for runs made twice)" if spent.duplicate_calls else ""
    text = f"{replayed}{spent.calls_made:,} made{twice}, {spent.calls_reused:,} reused"
    if spent.calls_rescored:
        text += f", {spent.calls_rescored:,} rescored"
    if spent.sealed_at_most:
        text += f"; at most {spent.sealed_at_most:,} more on sealed plans"
    if spent.calls_spared and verdict is not None and not view.sealed:
        where = f"look {verdict.look} of {verdict.looks}"
        text += f", {spent.calls_spared:,} saved by stopping at {where}"
    return text


def numbers(verdict: Verdict) -> tuple[Fact, ...]:
    """The facts behind the verdict on the train plans."""
    flips = verdict.flips
    share = f"{verdict.calls:,} of {verdict.calls_planned:,}"
    return (
        Fact("method", verdict.method),
        Fact("alpha", _format_plain(verdict.alpha), "level granted to this trial"),
        Fact("p, better", _format_plain(verdict.p_value), "one-sided"),
        Fact("p, worse", _format_plain(verdict.p_worse), "one-sided"),
        *([Fact("e-value", _format_plain(verdict.e_value))] if verdict.e_value is not None else []),
        Fact("effect", points(verdict.effect), "points, mean paired difference over plans"),
        Fact("interval", _ends(verdict), _confidence(verdict.alpha)),
        Fact("gain to claim", points(verdict.claimed), "points, corrected for selection"),
        Fact(
            "effect size", _format_plain(verdict.effect_size), "mean / deviation of the plan means"
        ),
        Fact(
            "visible gain",
            points(verdict.visible if verdict.n_plans else None),
            "points; the smallest effect that so many plans could have shown",
        ),
        Fact("look", f"{verdict.look} of {verdict.looks}", "planned looks at the data"),
        Fact("plans", f"{verdict.n_plans:,}", "the unit of inference"),
        Fact("pairs", f"{verdict.n_pairs:,}", f"{verdict.n_missing:,} more lack a side"),
        Fact("won, lost, tied", f"{flips.won:,}, {flips.lost:,}, {flips.tied:,}", "pairs"),
        Fact("runs", share, "behind the verdict, of those planned"),
        Fact("seed", str(verdict.seed), "decides the order of the plans"),
        Fact("fingerprint", verdict.fingerprint[:16], "sha256 of the pairs"),
    )


def screening_numbers(screening: Screening, alpha: float) -> tuple[Fact, ...]:
    """The facts behind a screening. `alpha` is the level of the confirmation after it."""
    return (
        Fact("screening level", _format_plain(screening.level), "p up to which it goes on"),
        Fact("p, better", _format_plain(screening.p_value), "one-sided"),
        Fact("effect", points(screening.effect), "points, mean paired difference over plans"),
        Fact("interval", interval(screening.interval), "of confidence 90 %"),
        Fact("plans", f"{screening.n_plans:,}", "which the author of the change may have read"),
        Fact("pairs", f"{screening.n_pairs:,}"),
        Fact("passed", "yes" if screening.passed else "no"),
        Fact("alpha", _format_plain(alpha), "level granted to the confirmation on verify plans"),
        Fact("fingerprint", screening.fingerprint[:16], "sha256 of the pairs"),
    )


def verify_numbers(verify: VerifyResult) -> tuple[Fact, ...]:
    """The facts behind the verify gate."""
    return (
        Fact("alpha", _format_plain(verify.alpha), "level of the gate"),
        Fact("p, better", _format_plain(verify.p_value), "one-sided"),
        Fact("p, worse", _format_plain(verify.p_worse), "one-sided"),
        Fact("effect", points(verify.effect), "points"),
        Fact("interval", interval(verify.interval), _confidence(verify.alpha)),
        Fact("plans", f"{verify.n_plans:,}"),
        Fact("pairs", f"{verify.n_pairs:,}"),
        Fact("fingerprint", verify.fingerprint[:16], "sha256 of the verify pairs"),
    )


def _confidence(alpha: float) -> str:
    return f"of confidence {(1 - 2 * alpha) * 100:.4g} %"


def _ends(verdict: Verdict) -> str:
    """An interval without an effect says nothing."""
    return NOTHING if verdict.effect is None else interval(verdict.interval)


def interval(value: Interval | None) -> str:
    """Both ends in points."""
    return NOTHING if value is None else f"{points(value.low)} to {points(value.high)}"


def _format_plain(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3g}"
