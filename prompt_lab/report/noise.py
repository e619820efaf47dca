"""The noise floor as a page in Markdown."""

from prompt_lab.analyze.markdown import plain_line
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.price import forecast
from prompt_lab.evaluate.noise_floor import MOST_CHARACTERS, FloorRecord, ModelFloor, in_calls, need
from prompt_lab.names import count

MOST_ROWS = 40


def render_noise(record: FloorRecord, policy: Policy) -> str:
    """How far the baseline differs from itself, by model and plan, and what a trial needs."""
    asked, floor = record.asked, record.floor
    parts = [
        f"# Noise floor of {asked.step}",
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
        "## Flaky plans",
        _flaky(record),
    ]
    return "\n\n".join(parts) + "\n"


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
