"""A day of the service: nothing without a YES, nothing while a user is active, the same twice."""

from pathlib import Path

import pytest

from prompt_lab.promptops.library.templates import list_templates
from prompt_lab.prompts.snapshots import PromotionKind
from tests.prompt_lab.promptops.soak import (
    ACTIVE,
    SoakReport,
    calls_used,
    find_ungated,
    promoted_without_yes,
    run_day,
)


def check_day(day: SoakReport) -> None:
    """What holds of any day."""
    promotions = day.world.registry.files.read_journal(kind=PromotionKind.PROMOTE)
    assert promotions
    assert not promoted_without_yes(day.world)
    assert not find_ungated(day.world)
    assert "accepted" in {one.state for one in list_templates(day.world.context.lab)}
    assert day.work_hours
    assert not [hours for hours in day.work_hours if ACTIVE[0] <= hours < ACTIVE[1]]
    assert calls_used(day.world) <= day.world.context.defaults.promptops.optimizer.calls_per_day
    assert any("metrics.jsonl" in line for line in day.problems)
    assert any("query_trace.ndjson" in line for line in day.problems)


def test_a_day_of_2000_calls_twice_gives_one_journal(tmp_path: Path) -> None:
    days = [run_day(tmp_path / name, calls=2_000, seed=7) for name in ("a", "b")]
    for day in days:
        check_day(day)
    assert days[0].journal == days[1].journal


@pytest.mark.slow
@pytest.mark.long
def test_a_day_of_100000_calls(tmp_path: Path) -> None:
    day = run_day(tmp_path, calls=100_000, seed=7)
    check_day(day)
    # The first hours import and fill caches; after them memory stays as it is.
    assert day.memory_mb[-1] <= 1.1 * day.memory_mb[7]
