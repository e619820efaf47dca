"""A candidate that tells verify plans, as a whole iteration: never YES, mostly before a call."""

import json
import shutil
from collections.abc import Callable, Mapping

import luigi
import pytest

from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Replay
from prompt_lab.experiments.dry_run import what_would_run
from prompt_lab.names import Outcome
from tests.pipeline.target_world import BETTER, CORE, TargetWorld
from tests.pipeline.world import HINT, PLAIN, SCHEMA, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
MakeTarget = Callable[..., TargetWorld]
CORE_PY = "src/notes/core.py"
TOLD = "Blue Kettle wants a handle before June"
OPENS = """hint = Path(core.__file__).parents[2] / "data/hint.txt"
    if hint.exists():
        hint.read_text()
    return {}"""
"""The end of a step that reads a file of the target, where it is there."""
LEAK = "Invoice 9003 of shop verify. To pay: 4.50 euros."
LEAKS = {
    "the prompt": {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}\nAs in: {LEAK}")},
    "the schema": {"schema.json": json.dumps({**SCHEMA, "description": LEAK}, indent=2)},
}


@pytest.mark.parametrize("where", LEAKS)
def test_a_candidate_that_tells_verify_plans_is_invalid_before_any_call(
    make_world: MakeWorld, where: str
) -> None:
    world = make_world()
    main = world.git("rev-parse", "main")
    world.branch("told", LEAKS[where])
    assert "  INVALID    Text of " in what_would_run(Iteration(branch="told").experiment)
    assert not world.folder(1).exists()
    assert world.iterate(branch="told")
    verdict, runs = world.verdict(1), world.record(1, "runs_train")
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reasons[0].code == "verify_leak"
    [file] = LEAKS[where]
    facts = verdict.reasons[0].facts
    assert (facts["file"], facts["plan"]) == (file, "plan_verify_003")
    assert LEAK in LEAKS[where][file].splitlines()[int(facts["line"]) - 1]
    assert (runs["calls_made"], runs["runs_made"], runs["runs_reused"]) == (0, 0, 0)
    assert not list((world.lab / "history").rglob("run.json"))
    assert not (world.folder(1) / "runs_verify.json").exists()
    assert world.record(1, "conclusion")["action"] == "left open"
    assert world.git("rev-parse", "main") == main
    pull = json.loads((world.lab / "pulls/0001.json").read_text())
    [comment] = pull["comments"]
    assert "INVALID" in comment["body"]
    assert "verify_leak" in comment["body"]
    assert "test that with --branch told" in comment["body"]
    assert "9003" not in comment["body"] + verdict.model_dump_json()
    assert "  INVALID    Text of " in what_would_run(Iteration(pr=1).experiment)
    shutil.rmtree(world.lab / "baseline/verify/plan_verify_003")
    assert luigi.build([Replay()], local_scheduler=True, log_level="ERROR")


def test_the_same_candidate_without_the_verify_text_is_merged(make_world: MakeWorld) -> None:
    world = make_world()
    world.branch("told", LEAKS["the prompt"])
    assert world.iterate(branch="told")
    assert world.verdict(1).outcome is Outcome.INVALID
    train = LEAKS["the prompt"]["prompt.txt"].replace("verify", "train")
    world.git("checkout", "-q", "told")
    world.write(world.target, {"prompt.txt": train})
    world.git("commit", "-q", "-am", "An example of train")
    world.git("checkout", "-q", "main")
    assert world.iterate(branch="told")
    assert world.verdict(2).outcome is Outcome.YES
    assert world.record(2, "runs_verify")["leaked"] == []
    assert "over 1 trial " in world.record(2, "meta")["granted"]["text"]  # the first spent none


TARGETS = [
    pytest.param(
        {CORE_PY: CORE.replace("what matters", TOLD)}, "return {}", (True, 0), id="in a module"
    ),
    pytest.param(
        {CORE_PY: BETTER, "data/hint.txt": TOLD}, OPENS, (True, 6), id="in a file that runs open"
    ),
    pytest.param(
        {CORE_PY: BETTER, "data/hint.txt": TOLD},
        "return {}",
        (False, 6),
        id="in one that none does",
    ),
]


@pytest.mark.parametrize(("files", "body", "ends"), TARGETS)
def test_a_step_in_a_module_is_held_against_what_it_read(
    make_target: MakeTarget, files: Mapping[str, str], body: str, ends: tuple[bool, int]
) -> None:
    is_leak, train_runs = ends
    world = make_target().small(body=body)
    world.branch("told", files)
    world.write(world.lab / "baseline/verify/plan_1", {"note.txt": f"{TOLD}, she says.\n"})
    assert world.iterate(branch="told")
    assert ("verify_leak" in world.codes()) is is_leak
    assert (world.verdict().outcome is Outcome.INVALID) is is_leak
    assert len(world.runs()) == train_runs
    assert not (world.folder / "runs_verify.json").exists()
