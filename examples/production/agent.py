"""The agent of `make demo-daily`: `python examples/production/agent.py begin | day DATE`.

`begin` makes its repository and its prompts in the lab's registry, and writes 27 days of traces.
`day` writes one more day under the prompt that the registry serves then, as an agent would.
"""

import sys
from datetime import date

from pipeline.tasks.base import hold_lab
from pipeline.wiring import lab_context, stores
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.example_lab import copy_in
from prompt_lab.production.simulate import (
    PLANTED,
    REGRESSION_DAY,
    prompt_of_day,
    simulate_day,
    simulate_month,
)
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.store.files import write_text
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verdicts import open_registry

START = date(2026, 2, 1)
DAYS = 27
SEED = 1
EDITOR = Actor(name="the editor", kind=ActorKind.PERSON)


def begin(context: LabContext) -> str:
    """Repository, registry and traces; what is there already stays."""
    first, second = (prompt_of_day(n, PLANTED)[PROMPT_ID] for n in (1, REGRESSION_DAY))
    target = context.lab.root / "target"
    if not target.exists():
        source = context.lab.work / "agent"
        write_text(source / "prompts" / f"{PROMPT_ID}.txt", second)
        copy_in(context, source, target)
    registry = open_registry(context.lab)
    if registry.files.read_pointer() is None:
        when = "2026-02-01T00:00:00.000Z"
        registry.import_texts({PROMPT_ID: first}, {}, PromotionReason(EDITOR, "as it was", when))
        changed = PromotionReason(EDITOR, "answer faster", "2026-02-12T00:00:00.000Z")
        registry.force(PROMPT_ID, second, changed)
    store, new = stores(context).traces, 0
    for day in simulate_month(START, seed=SEED, faults=PLANTED, days=DAYS):
        new += store.add(day.traces).new
        for feedback in day.feedback:
            store.add_feedback(feedback)
    return f"{new:,} traces of {DAYS} days; the prompt was changed on day {REGRESSION_DAY}."


def live_through(context: LabContext, day: date) -> str:
    """One day with the current prompt."""
    text = open_registry(context.lab).read_text(PROMPT_ID)
    done = simulate_day(
        day,
        seed=SEED,
        prompts={PROMPT_ID: text},
        faults=PLANTED,
        cost_factor=1 + 0.05 * (day - START).days / 30,
    )
    store = stores(context).traces
    added = store.add(done.traces)
    for feedback in done.feedback:
        store.add_feedback(feedback)
    return f"{day}: {added.new:,} new traces under a prompt of {len(text):,} characters."


def main() -> int:
    """One of the two commands."""
    context = lab_context()
    hold_lab(context)
    if sys.argv[1:2] == ["day"] and len(sys.argv) == 3:
        sys.stdout.write(live_through(context, date.fromisoformat(sys.argv[2])) + "\n")
    elif sys.argv[1:] == ["begin"]:
        sys.stdout.write(begin(context) + "\n")
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
