"""The front: a branch that wins on one model is not forgotten, and an iteration can start there."""

import json
from collections.abc import Callable

import pytest

from pipeline.tasks.iteration import Iteration
from pipeline.wiring import lab_context
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.pareto import read_front
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome
from tests.pipeline.world import HINT, NUMBER, PLAIN, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
TRICK = "Mind the second number."
FOR_ODD = PLAIN.replace("amount.", f"amount. {TRICK}")
# One model needs the trick; the other is thrown by it, unless the schema's words stand there too.
ODD = {
    "rules": [
        {"when": TRICK, "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        {"answer": '{"amount": {0}}', "answer_regex": NUMBER},
    ]
}
LOST = {
    "rules": [
        {"when": HINT, "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        {"when": TRICK, "answer": '{"amount": 0}'},
        {"answer": '{"amount": {1}}', "answer_regex": NUMBER},
    ]
}


def _rejected(make_world: MakeWorld) -> World:
    """Iteration 1 wins on `odd` and is closed, since `other` loses as much."""
    world = make_world(models={"odd": scripted(ODD, short="o"), "other": scripted(LOST)})
    world.branch("trick", {"prompt.txt": FOR_ODD})
    assert world.iterate(branch="trick")
    assert world.verdict(1).outcome is Outcome.NO
    return world


def test_what_wins_on_one_model_stays_on_the_front(make_world: MakeWorld) -> None:
    world = _rejected(make_world)
    record = read_front(lab_context(), "read_sum")
    branches = {p.branch for p in record.points if p.content in record.standing}
    assert branches == {"trick", "main"}
    page = (world.lab / "index.html").read_text()
    assert 'id="front"' in page
    assert 'title="best on odd"' in page


def test_an_iteration_starts_there_and_is_compared_with_main(make_world: MakeWorld) -> None:
    world = _rejected(make_world)
    main = world.git("rev-parse", "main")
    assert world.iterate(**{"from": "best-on:o"})
    meta, change = world.record(2, "meta"), world.record(2, "change")
    assert (meta["start"], meta["start_commit"]) == (
        "best-on:o",
        world.git("rev-parse", "trick"),
    )
    assert (change["base_commit"], change["start_commit"]) == (main, meta["start_commit"])
    text = world.git("show", f"{change['branch']}:prompt.txt")
    assert TRICK in text
    assert HINT in text
    assert world.git("rev-parse", f"{change['branch']}~1") == main
    baseline = [run for run in world.record(2, "batch_train")["runs"] if run["side"] == "baseline"]
    assert all(run["reused"] for run in baseline)
    assert world.verdict(2).outcome is Outcome.YES
    assert json.loads((world.lab / "front/read_sum.json").read_text())["standing"]


@pytest.mark.parametrize(
    ("start", "words"),
    [("main", "give best-on"), ("best-on:other", "was measured on 'other' yet")],
)
def test_a_start_that_is_not_there_is_named(make_world: MakeWorld, start: str, words: str) -> None:
    make_world(models={"odd": scripted(ODD), "other": scripted(READS_WELL)})
    with pytest.raises(ConfigError, match=words):
        plan_iteration(Iteration(**{"from": start}).experiment)
