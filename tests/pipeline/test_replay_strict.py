"""`Replay --policy strict` on labs that earlier rules decided: what would differ, and what not."""

import json
from collections.abc import Callable

import pytest

from pipeline.wiring import lab_context
from prompt_lab.experiments.replay import replay
from prompt_lab.names import Outcome
from tests.pipeline.test_sealed import BETTER
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
RULE_2 = {"mode": "fixed", "verify": "required", "ledger": {"control": "fixed"}}


@pytest.fixture
def old_world(make_world: MakeWorld) -> World:
    """A lab of rule 2: a merge that eight verify plans confirmed, and a change that did nothing."""
    world = make_world(train=10, verify=8, policy=RULE_2)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).outcome is Outcome.YES
    world.branch("idle", {"prompt.txt": BETTER + "Please.\n"})
    assert world.iterate(branch="idle")
    return world


def as_rule_1(world: World) -> None:
    """Make the records of an iteration those of the first rule, which named no version."""
    for number in (1, 2):
        for name in ("meta", "verdict", "runs_train"):
            path = world.folder(number) / f"{name}.json"
            record = json.loads(path.read_text())
            record.pop("rule_version", None)
            (record.get("judged_by") or {}).pop("rule_version", None)
            path.write_text(json.dumps(record, indent=2) + "\n")


@pytest.mark.parametrize("rule", [1, 2])
def test_what_strict_would_have_decided_is_listed(old_world: World, rule: int) -> None:
    if rule == 1:
        as_rule_1(old_world)
    found = replay(lab_context(), "all", "strict")
    assert [one.same for one in found] == [False, True]
    assert found[0].text.startswith("1: YES -> CONDITIONAL: 8 plans cannot show anything at alpha")
    assert found[1].text == "2: NO, as before"
    assert all(one.same for one in replay(lab_context(), "all", "")), "identical under their own"


def test_a_no_that_strict_would_have_confirmed_or_not_says_what_was_not_run(
    make_world: MakeWorld,
) -> None:
    """Rule 2 never read the verify plans of this candidate, so nothing can be said of them."""
    policy = {**RULE_2, "verify": "off", "max_plans": 5, "alpha": 0.01}
    world = make_world(train=5, verify=30, policy=policy)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).outcome is Outcome.CONDITIONAL  # five plans show nothing at 0.01
    [found] = replay(lab_context(), "all", "strict")
    assert found.same is False
    assert "would go on to 30 verify plans, which were not run" in found.text
