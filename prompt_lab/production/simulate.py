"""Days and months of a simulated blog-writing agent, healthy or with faults to be found.

Two faults are in the prompt's text: a block that appears twice, and a missing rule. A deployed
text therefore changes what the following days cost and how people like the answers.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from prompt_lab.production.simulated_agent import (
    FAILING_TOOL,
    UNUSED_TOOL,
    AgentFaults,
    SimulatedAgent,
    format_time,
)
from prompt_lab.production.simulated_prompts import PROMPT_ID, write_prompt
from prompt_lab.traces import Feedback, Trace

__all__ = [
    "FAILING_TOOL",
    "HEALTHY",
    "PLANTED",
    "PROMPT_ID",
    "REGRESSION_DAY",
    "UNUSED_TOOL",
    "AgentFaults",
    "SimulatedDay",
    "prompt_of_day",
    "simulate_day",
    "simulate_month",
]

REGRESSION_DAY: Final = 12
HEALTHY: Final = AgentFaults()
PLANTED: Final = AgentFaults(True, True, True, True, True)


class SimulatedDay(NamedTuple):
    """What one day left: traces and feedback by time, and the prompts that were used."""

    start: str
    end: str
    traces: list[Trace]
    feedback: list[Feedback]
    prompts: dict[str, str]


def prompt_of_day(number: int, faults: AgentFaults) -> dict[str, str]:
    """Prompt id -> text on this day of the month, counted from 1. On day 12 it always changes."""
    changed = number >= REGRESSION_DAY
    text = write_prompt(
        repeats_block=faults.repeated_block,
        asks_first=not (changed and faults.prompt_regression),
        revision=int(changed),
    )
    return {PROMPT_ID: text}


def simulate_month(
    start: date, *, seed: int, faults: AgentFaults = PLANTED, days: int = 30, sessions: int = 40
) -> Iterator[SimulatedDay]:
    """`days` days from `start` with about so many sessions each; costs drift up by 5 % a month."""
    for number in range(1, days + 1):
        yield simulate_day(
            start + timedelta(days=number - 1),
            seed=seed,
            prompts=prompt_of_day(number, faults),
            faults=faults,
            sessions=sessions,
            cost_factor=1 + 0.05 * number / 30,
        )


def simulate_day(
    day: date,
    *,
    seed: int,
    prompts: Mapping[str, str],
    faults: AgentFaults = HEALTHY,
    sessions: int = 40,
    cost_factor: float = 1.0,
) -> SimulatedDay:
    """One day. Equal arguments give an equal day.

    The text of the prompt decides on tokens and quality; of `faults` only the tools' and the
    model's are read here.
    """
    rng = np.random.default_rng([seed, day.toordinal()])
    agent = SimulatedAgent(rng, prompts[PROMPT_ID], faults, cost_factor)
    midnight = datetime(day.year, day.month, day.day)
    starts = np.sort(rng.uniform(0, 23 * 3600, rng.poisson(sessions)))
    traces: list[Trace] = []
    for at, seconds in enumerate(starts):
        name = f"blog-{day:%Y%m%d}-{at:03d}"
        traces += agent.hold_session(name, midnight + timedelta(seconds=float(seconds)))
    traces.sort(key=lambda trace: (trace.created_at, trace.trace_id))
    agent.feedback.sort(key=lambda one: (one.created_at, one.trace_id))
    end = midnight + timedelta(days=1)
    return SimulatedDay(
        format_time(midnight), format_time(end), traces, agent.feedback, dict(prompts)
    )
