"""The noise floor as a page, and as text in Markdown for the terminal."""

from typing import NamedTuple

from prompt_lab.analyze.markdown import plain_line
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import forecast
from prompt_lab.evaluate.noise_floor import MOST_CHARACTERS, FloorRecord, ModelFloor, in_calls, need
from prompt_lab.names import count
from prompt_lab.report.axis import Axis, Bar, Effect, axis
from prompt_lab.report.html import render
from prompt_lab.report.markdown import render_markdown
from prompt_lab.report.numbers import Fact

MOST_ROWS = 40


class PlanNoise(NamedTuple):
    """The repeated runs of one model on one plan, as the page draws them."""

    model: str
    plan: str
    pattern: str
    mean: float
    bar: Bar


def render_noise(record: FloorRecord, policy: Policy) -> str:
    """How far the baseline differs from itself, by model and plan, and what a trial needs."""
    parts = [f"# {_title(record)}", *_findings(record, policy), "## Flaky plans", _flaky(record)]
    return "\n\n".join(parts) + "\n"


def render_noise_page(record: FloorRecord, policy: Policy) -> str:
    """noise_floor/<step>.html: the same findings, and the spread of every plan as a picture."""
    drawn = sorted(record.floor.spreads, key=lambda s: (-s.deviation, s.model, s.plan))
    ends = [Effect(s.plan, s.mean, s.mean - s.deviation, s.mean + s.deviation) for s in drawn]
    scale = axis(ends)
    return render(
        "noise.html.j2",
        title=_title(record),
        created=record.created,
        record=f"{record.asked.step}.json",
        facts=(
            Fact("plans", f"{record.floor.plans}"),
            Fact("models", f"{record.floor.models}"),
            Fact("repeated runs", f"{_points(record.floor.run_deviation)} points", "deviation"),
            Fact("plan values", f"{_points(record.floor.plan_deviation)} points", "deviation"),
            Fact("flaky", f"{record.floor.flaky}", f"of {len(drawn)} plans and models"),
        ),
        findings=render_markdown("\n\n".join(_findings(record, policy))),
        scale=scale._replace(ticks=tuple(t._replace(label=_level(t.label)) for t in scale.ticks)),
        rows=[
            PlanNoise(s.model, s.plan, s.pattern, s.mean, _bar(scale, end))
            for s, end in zip(drawn, ends, strict=True)
        ],
    )


def _title(record: FloorRecord) -> str:
    return f"Noise floor of {record.asked.step}"


def _level(points: str) -> str:
    """The label of a position on a scale of scores: `+50` is 0.5."""
    return f"{float(points) / 100:g}"


def _bar(scale: Axis, spread: Effect) -> Bar:
    """Mean and deviation on the scale, with their words."""
    mean, high = spread.value or 0.0, spread.high or 0.0
    words = f"{spread.label}: {mean:.2f}, deviation {high - mean:.2f}"
    return scale.bar(spread)._replace(words=words, tone="open")


def _findings(record: FloorRecord, policy: Policy) -> list[str]:
    """What was run, how much the runs differ, and what a trial needs, in Markdown."""
    asked, floor = record.asked, record.floor
    return [
        f"The baseline at {asked.commit[:12]} against itself: {count(len(asked.plans), 'plan')},"
        f" {count(asked.replicates, 'run')} each of {', '.join(asked.models)}.",
        *_unanswered(record),
        f"Repeated runs of one plan differ by {_points(floor.run_deviation)} points (standard"
        f" deviation), the plan values of a trial by {_points(floor.plan_deviation)}. A trial's own"
        " spread is larger, since its plans react to the change.",
        "## By model",
        _models(record),
        "## What a trial needs",
        _needs(record, policy),
    ]


def _unanswered(record: FloorRecord) -> list[str]:
    """On how many answers the figures rest, and why the others are missing; [] where none is."""
    answers, runs = record.answers
    if answers == runs:
        return []
    why = [
        f" {m.model}: {plain_line(m.why_unanswered, MOST_CHARACTERS)}."
        for m in record.by_model
        if m.why_unanswered
    ]
    return [
        f"All figures rest on {answers} answers of {runs} runs; runs without an answer are left"
        f" out.{''.join(why)}"
    ]


def _models(record: FloorRecord) -> str:
    lines = [
        "| model | answers of runs | mean score | repeated runs differ by | flaky plans | $ a run |"
    ]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {m.model} | {_answers(m)} | {m.mean:.2f} | {_points(m.deviation)} points | {m.flaky} |"
        f" {m.cost_usd:.5f} |"
        for m in record.by_model
    ]
    return "\n".join(lines)


def _answers(of: ModelFloor) -> str:
    return f"{of.runs}" if of.answers in (None, of.runs) else f"{of.answers} of {of.runs}"


def _needs(record: FloorRecord, policy: Policy) -> str:
    lines = [
        f"At alpha {policy.alpha:g} and power {policy.power:.0%}, one replicate, one look.",
        "",
        "| gain | plans, by noise alone | plans, as answers set right | at worst | price |",
        "|---|---|---|---|---|",
    ]
    for gain in (policy.smallest_effect, policy.smallest_effect / 2):
        found = need(record, gain, policy)
        lines.append(
            f"| {gain * 100:+g} points | {found.plans_by_noise} | {found.plans} |"
            f" {found.plans_at_worst} | {in_calls(found.price)} |"
        )
    spread = max(record.floor.plan_deviation, 0.01)
    seen = forecast(len(record.asked.plans), spread, policy).visible
    return "\n".join(lines) + (
        f"\n\nThese {len(record.asked.plans)} plans could show {_points(seen)} points at best."
    )


def _flaky(record: FloorRecord) -> str:
    rows = [s for s in record.floor.spreads if s.flaky]
    if not rows:
        return "None: no plan passed in one run and failed in another."
    lines = [
        "P passed, F failed, - no answer, in the order of the runs.",
        "",
        "| model | plan | runs | mean |",
    ]
    lines += ["|---|---|---|---|"]
    lines += [f"| {s.model} | {s.plan} | {s.pattern} | {s.mean:.2f} |" for s in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines += ["", f"and {len(rows) - MOST_ROWS} more in the JSON file beside this page."]
    return "\n".join(lines)


def _points(value: float) -> str:
    return f"{value * 100:.0f}"
