"""Bad input ends in one message that names the place and the fix, and leaves nothing half-done."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from prompt_lab.names import Outcome
from tests.pipeline.model_server import ModelServer, reads_well
from tests.pipeline.terminal import STOPPED, luigi
from tests.pipeline.world import HINT, PLAIN, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
Harm = Callable[[World], Any]


def _write(path: str, text: str) -> Harm:
    def harm(world: World) -> None:
        (world.root / path).write_text(text)

    return harm


def _remove(path: str) -> Harm:
    return lambda world: shutil.rmtree(world.root / path)


def _dirty(world: World) -> None:
    (world.target / "prompt.txt").write_text("Half an edit")


def _no_input(world: World) -> None:
    for file in (world.lab / "baseline/train").glob("*/invoice.txt"):
        file.unlink()


def _not_text(world: World) -> None:
    (world.lab / "baseline/train/plan_train_000/invoice.txt").write_bytes(b"\xff\xfe\x00")


def _prompt_gone(world: World) -> None:
    world.git("rm", "-q", "prompt.txt")
    world.git("commit", "-q", "-m", "Lose the prompt")


def _lab_is_a_file(world: World) -> None:
    shutil.rmtree(world.lab / "history", ignore_errors=True)
    (world.lab / "history").write_text("in the way")


THREE_FAULTS = "step: read_sum\nmodels: []\nreplicates: 0\nrepicates: 2\n"
KEY = "provider: openai\nid: gpt\ndeterministic: false\nkey_env: NO_SUCH_KEY\n"
REMOVED = "provider: openai\nid: gpt\ndeterministic: false\nstatus: removed\nreason: 0 of 5\n"
nothing: Harm = lambda world: None  # noqa: E731 -- a row of the table below

ROWS: list[tuple[str, Harm, list[str], list[str]]] = [
    ("unknown model", nothing, ["--models", "exat"], ["'exat'", "Did you mean 'exact'"]),
    ("unknown step", nothing, ["--step", "read_sun"], ["'read_sun'", "Did you mean 'read_sum'"]),
    ("unknown plan", nothing, ["--plans", "plan_9"], ["'plan_9'", "baseline/train"]),
    ("no such branch", nothing, ["--branch", "nowhere"], ["--branch nowhere", "no such branch"]),
    ("no such pull", nothing, ["--pr", "7"], ["7"]),
    ("branch and pull", nothing, ["--branch", "a", "--pr", "7"], ["--branch and --pr"]),
    ("number too far", nothing, ["--number", "9"], ["iteration 9", "next one is 1"]),
    (
        "three faults",
        _write("configs/lab.yaml", THREE_FAULTS),
        [],
        ["3 faults", ":2:", ":3:", ":4:"],
    ),
    ("not YAML", _write("configs/lab.yaml", "a: ["), [], ["lab.yaml", "is not YAML"]),
    (
        "missing key",
        _write("configs/models/exact.yaml", KEY),
        [],
        ["NO_SUCH_KEY", "Nothing was run"],
    ),
    ("removed", _write("configs/models/exact.yaml", REMOVED), [], ["was removed: 0 of 5"]),
    ("no policy", _remove("configs/policies"), [], ["'default'", "policies"]),
    ("empty baseline", _no_input, [], ["baseline/train", "invoice.txt"]),
    ("input is not text", _not_text, [], ["plan_train_000/invoice.txt", "not UTF-8"]),
    ("no target", _remove("lab/target"), [], ["target", "does not exist"]),
    ("no repository", _remove("lab/target/.git"), [], ["no git repository"]),
    ("dirty target", _dirty, [], ["uncommitted changes", "prompt.txt", "git commit"]),
    ("prompt not at main", _prompt_gone, [], ["prompt.txt"]),
    ("file for a folder", _lab_is_a_file, [], ["history", "run the same command again"]),
]


@pytest.mark.parametrize(
    ("harm", "flags", "words"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_bad_input_is_one_message(
    make_world: MakeWorld, harm: Harm, flags: list[str], words: list[str]
) -> None:
    world = make_world()
    harm(world)
    said = luigi(world, "Iteration", *flags)
    assert said.code != 0
    assert said.err.count(STOPPED) == 1, said.err
    assert "Traceback" not in said.err + said.out
    assert [word for word in words if word not in said.err] == [], said.err
    assert not list(world.lab.glob("analysis/*/runs_*.json"))
    assert not list(world.lab.glob("analysis/*/verdict.json"))


def test_an_unknown_flag_is_refused(make_world: MakeWorld) -> None:
    said = luigi(make_world(), "Iteration", "--modles", "exact")
    assert said.code != 0
    assert "--modles" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("fail", ["garbage", "nothing", "refused"])
def test_a_model_that_never_gives_a_usable_answer_ends_in_one_message(
    make_world: MakeWorld, fail: str
) -> None:
    world = make_world(models={"mad": scripted({**READS_WELL, "fail": fail})})
    world.branch("good", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
    said = luigi(world, "Iteration", "--branch", "good")
    assert said.code != 0
    assert "nothing to compare" in said.err
    assert "configs/models" in said.err
    assert not (world.folder(1) / "verdict.json").exists()


def test_a_dead_server_is_an_outside_failure_and_the_same_command_goes_on(
    make_world: MakeWorld,
) -> None:
    with ModelServer(lambda system, user: None) as server:
        world = make_world(models={"m": server.config(workers=2)}, train=2, verify=2)
        said = luigi(world, "Iteration")
        assert said.code == 30
        assert "the same command" in said.err
        assert "Traceback" not in said.err
        server.behaviour = reads_well
        assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome in set(Outcome)


def test_a_damaged_run_is_made_again_and_a_damaged_phase_file_is_named(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    assert luigi(world, "Runs").code == 0
    runs = json.loads((world.folder(1) / "batch_train.json").read_text())["runs"]
    made = next(run for run in runs if run["side"] == "candidate")
    (world.lab / made["path"] / "run.json").write_text("")
    (world.folder(1) / "runs_train.json").unlink()
    assert luigi(world, "Runs").code == 0
    assert json.loads((world.lab / made["path"] / "run.json").read_text())["status"] == "ok"
    (world.folder(1) / "change.json").write_text("{")
    said = luigi(world, "Iteration")
    assert said.code != 0
    assert "change.json" in said.err
    assert "Traceback" not in said.err


def test_a_branch_that_moves_after_its_runs_is_invalid(make_world: MakeWorld) -> None:
    world = make_world()
    world.branch("good", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
    assert luigi(world, "Assessment", "--branch", "good").code == 0
    world.git("checkout", "-q", "good")
    (world.target / "prompt.txt").write_text("Say 7.\n")
    world.git("commit", "-q", "-a", "-m", "Something else")
    world.git("checkout", "-q", "main")
    main = world.git("rev-parse", "main")
    luigi(world, "Iteration", "--branch", "good")
    assert world.verdict(1).outcome is Outcome.INVALID
    assert "head_moved" in {reason.code.value for reason in world.verdict(1).reasons}
    assert world.git("rev-parse", "main") == main


def test_a_dry_run_leaves_no_trace(make_world: MakeWorld) -> None:
    world = make_world()
    before = sorted(str(p) for p in world.root.rglob("*") if "target/.git" not in str(p))
    said = luigi(world, "Iteration", "--dry-run")
    assert said.code == 0
    assert "Nothing is run or written" in said.out
    after = sorted(str(p) for p in world.root.rglob("*") if "target/.git" not in str(p))
    assert [p for p in after if p not in before] == []
