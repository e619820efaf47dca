"""Canaries on live traffic: arms, abort, promotion, what a person decided, and rollback."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.stats import binomtest

from prompt_lab.config.promptops import CanaryConfig
from prompt_lab.errors import StoreError
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.arms import choose_arm
from prompt_lab.promptops.canary import (
    CanaryCandidate,
    LiveTraffic,
    advance_canary,
    read_canary,
    start_canary,
)
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.records import Canary
from prompt_lab.promptops.rollback import roll_back_worse
from prompt_lab.prompts.snapshots import PromotionKind, digest_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verify import verify_registry
from tests.memory_stores import MemoryOutcomes
from tests.pipeline.web.labs import ID, QUERY, find_any, why, write_text

START, NOW = "2026-03-10T09:00:00.000Z", "2026-03-11T09:00:00.000Z"
FIRST, BETTER = write_text("first"), write_text("better")
YES = f"7_question:{digest_text(BETTER)}"


def make_calls(arm: str, share: int, count: int = 200, text: str = "") -> list[CallOutcome]:
    """Calls of which `share` of every ten succeed, spread evenly."""
    rows = []
    for number in range(count):
        known = None if share < 0 else number * 7 % 10 < share
        rows.append(
            CallOutcome(
                trace=f"{arm}{text[:8]}-{number}",
                when=f"2026-03-10T1{number // 60}:{number % 60:02d}:00.000Z",
                prompt_id=ID,
                arm=arm,
                unit=f"{arm} {number}",
                variant=text,
                success=known,
            )
        )
    return rows


def make_live(root: Path, calls: list[CallOutcome]) -> LiveTraffic:
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_any)
    registry.import_texts({ID: FIRST, "query": QUERY}, {}, why("import", 1))
    config = CanaryConfig(least_units=20, most_calls=400)
    return LiveTraffic(Lab(root), registry, MemoryOutcomes(calls), config)


def start(live: LiveTraffic, verdict_id: str = YES, forced_by: str = "") -> Canary:
    tried = CanaryCandidate(ID, BETTER, verdict_id=verdict_id, forced_by=forced_by)
    return start_canary(live, tried, seed=1, now=START)


def current(live: LiveTraffic) -> str:
    return live.registry.read_text(ID)


def test_a_winner_is_promoted_by_its_verdict_as_a_snapshot(tmp_path: Path) -> None:
    live = make_live(tmp_path, make_calls("control", 5) + make_calls("canary", 9))
    before = live.registry.read_current()[0]
    end = advance_canary(live, start(live), now=NOW)
    assert (end.canary.state, end.canary.reasons, current(live)) == ("passed", (), BETTER)
    snapshot_id, snapshot = live.registry.read_current()
    row = live.registry.files.read_journal()[-1]
    assert (row.kind, row.to_snapshot, row.verdicts) == (
        PromotionKind.PROMOTE, snapshot_id, {ID: YES},
    )  # fmt: skip
    assert (snapshot.parent, snapshot.verdicts) == (before, {ID: YES})
    assert live.registry.files.read_snapshot(before).prompts[ID] == digest_text(FIRST)
    assert verify_registry(live.registry.files, find_any) == []


def test_a_worse_candidate_is_aborted_and_never_current(tmp_path: Path) -> None:
    live = make_live(tmp_path, make_calls("control", 9) + make_calls("canary", 4))
    end = advance_canary(live, start(live), now=NOW)
    assert (end.canary.state, end.canary.reasons) == ("aborted", ("canary_worse",))
    assert read_canary(live.lab, ID) == end.canary
    assert current(live) == FIRST
    assert [row["event"] for row in read_journal(live.lab)] == ["canary_started", "canary_aborted"]


def test_thumbs_down_abort_what_no_metric_measures(tmp_path: Path) -> None:
    down = [
        row.model_copy(update={"feedback": "down"}) for row in make_calls("canary", -1, count=60)
    ]
    up = [row.model_copy(update={"feedback": "up"}) for row in make_calls("control", -1, count=60)]
    live = make_live(tmp_path, up + down)
    assert advance_canary(live, start(live), now=NOW).canary.state == "aborted"


def test_missing_results_never_abort(tmp_path: Path) -> None:
    live = make_live(tmp_path, make_calls("control", 9) + make_calls("canary", -1))
    end = advance_canary(live, start(live), now=NOW)
    assert (end.canary.state, current(live)) == ("running", FIRST)


def test_a_forced_canary_is_never_promoted_without_a_verdict(tmp_path: Path) -> None:
    live = make_live(tmp_path, make_calls("control", 5) + make_calls("canary", 9))
    with pytest.raises(StoreError, match="named person"):
        start(live, verdict_id="")
    end = advance_canary(live, start(live, verdict_id="", forced_by="ann"), now=NOW)
    assert (end.canary.state, end.canary.reasons) == ("passed", ("no_verdict",))
    assert current(live) == FIRST


@pytest.mark.parametrize(("meanwhile", "code"), [(True, "superseded"), (False, "forced")])
def test_what_a_person_forced_stands(tmp_path: Path, meanwhile: bool, code: str) -> None:
    live = make_live(tmp_path, make_calls("control", 5) + make_calls("canary", 9))
    canary = start(live) if meanwhile else None
    live.registry.force(ID, write_text("forced"), why("outage", 10))
    end = advance_canary(live, canary or start(live), now=NOW)
    assert (end.canary.state, end.canary.reasons) == ("withdrawn", (code,))
    assert current(live) == write_text("forced")


def test_a_text_that_a_person_rolled_back_is_not_promoted_again(tmp_path: Path) -> None:
    live = make_live(tmp_path, make_calls("control", 5) + make_calls("canary", 9))
    first = live.registry.read_current()[0]
    live.registry.promote({ID: BETTER}, {ID: YES}, why("by hand", 2))
    live.registry.roll_back(first, why("complaints", 3))
    end = advance_canary(live, start(live), now=NOW)
    assert (end.canary.state, end.canary.reasons) == ("aborted", ("promotion_refused",))
    assert current(live) == FIRST


@pytest.mark.parametrize("share", [3, 9])
def test_a_promotion_that_turns_out_worse_rolls_the_whole_snapshot_back(
    tmp_path: Path, share: int
) -> None:
    calls = make_calls("", 9, text=digest_text(FIRST))
    calls += make_calls("", share, text=digest_text(BETTER))
    live = make_live(tmp_path, calls)
    before, snapshot = live.registry.read_current()
    live.registry.promote({ID: BETTER}, {ID: YES}, PromotionReason(WORKER, "won", START))
    lines = roll_back_worse(live, now=NOW, margin=0.0)
    assert len(lines) == (share == 3)
    if share == 3:
        assert live.registry.read_current() == (before, snapshot)
        assert live.registry.files.read_journal()[-1].kind is PromotionKind.ROLLBACK
    else:
        assert current(live) == BETTER


class CountedOutcomes(MemoryOutcomes):
    """Counts how often single outcomes are read."""

    reads = 0

    def since(self, when: str, *, prompt_id: str = "") -> Iterator[CallOutcome]:
        self.reads += bool(prompt_id)
        return super().since(when, prompt_id=prompt_id)


@pytest.mark.parametrize("share", [3, 9])
def test_single_outcomes_are_read_only_where_their_sums_show_a_loss(
    tmp_path: Path, share: int
) -> None:
    calls = make_calls("", 8, text=digest_text(FIRST))
    calls += make_calls("", share, text=digest_text(BETTER))
    store = CountedOutcomes(calls)
    live = make_live(tmp_path, [])._replace(outcomes=store)
    live.registry.promote({ID: BETTER}, {ID: YES}, PromotionReason(WORKER, "won", START))
    roll_back_worse(live, now=NOW, margin=0.0)
    assert store.reads == (share == 3)


def test_a_persons_promotion_is_not_rolled_back(tmp_path: Path) -> None:
    calls = make_calls("", 9, text=digest_text(FIRST)) + make_calls("", 3, text=digest_text(BETTER))
    live = make_live(tmp_path, calls)
    live.registry.promote({ID: BETTER}, {ID: YES}, why("by hand", 2))
    assert roll_back_worse(live, now=NOW, margin=0.0) == []
    assert current(live) == BETTER


def test_arms_are_of_equal_size_and_sticky(tmp_path: Path) -> None:
    canary = start(make_live(tmp_path, []))
    units = [f"user {number}" for number in range(5000)]
    arms = {unit: choose_arm(canary, unit) for unit in units}
    counts = Counter(arms.values())
    for arm in ("control", "canary"):
        assert binomtest(counts[arm], len(units), canary.share).pvalue > 1e-4
    assert arms == {unit: choose_arm(canary, unit) for unit in reversed(units)}
    other = canary.model_copy(update={"seed": 2})
    assert any(choose_arm(other, unit) != arm for unit, arm in arms.items())
