"""A lab for tests of challenge sets: its folder and the adapters that they need, no configs."""

from pathlib import Path

from pipeline.wiring import adapter_names, load_adapter
from prompt_lab.experiments.context import LabContext
from prompt_lab.outcomes import CallOutcome
from prompt_lab.store.layout import Lab

WHEN = "2026-03-01T00:00:00.000Z"


def make_context(root: Path) -> LabContext:
    root.mkdir(parents=True, exist_ok=True)
    return LabContext(Lab(root), root / "configs", load_adapter, adapter_names)


TOPICS = ("boiler", "press", "mixer", "crane", "oven", "saw", "lathe", "robot", "pump", "dryer")
PLACES = ("in hall north", "near the gate", "of line nine", "behind the store", "on the roof")


def make_call(number: int, **facts: object) -> CallOutcome:
    """A call whose question differs from those of other numbers by more than a number."""
    topic, place = TOPICS[number % 10], PLACES[number // 10 % 5]
    given = {
        "trace": f"t{number:04}",
        "when": f"2026-02-{number % 28 + 1:02}T12:00:00.000Z",
        "prompt_id": "query",
        "task_class": "question",
        "question": f"How long did the {topic} {place} stand still {number} days ago?",
        "expected": {"expects_any": [f"{number} minutes"]},
        "success": number % 2 == 0,
    }
    return CallOutcome.model_validate(given | facts)
