"""What is merged is what was measured: main moves on before the runs, or while they go on."""

import json
from collections.abc import Callable

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from tests.pipeline.target_world import BETTER as BETTER_CORE
from tests.pipeline.target_world import CORE, TargetWorld
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import HINT, PLAIN, SCHEMA, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
TITLED = json.dumps({"title": "A sum", **SCHEMA}, indent=2)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A target with a better branch."""
    made = make_world(train=6, verify=6)
    made.branch("idea", {"prompt.txt": BETTER})
    return made


def commit(world: World | TargetWorld, files: dict[str, str]) -> str:
    """Somebody else's commit on main."""
    world.write(world.target, files)
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "Theirs")
    return world.git("rev-parse", "HEAD")


def test_a_branch_that_lacks_what_the_step_reads_is_not_run(world: World) -> None:
    commit(world, {"schema.json": TITLED, "README.md": "Another shop.\n"})
    for more in (("--dry-run",), ()):
        said = luigi(world, "Iteration", "--branch", "idea", *more)
        stops(said, TASK, "changed 'schema.json' since", "rebase main")
        assert "README.md" not in said.err
    assert not world.folder(1).exists()
    world.git("rebase", "-q", "main", "idea")
    world.git("checkout", "-q", "main")
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    assert '"title"' in world.git("show", "main:schema.json")


def test_what_the_step_never_reads_may_differ(world: World) -> None:
    commit(world, {"README.md": "Another shop.\n"})
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    assert world.git("show", "main:README.md") == "Another shop."


def test_a_conflict_is_said_before_anything_is_written(world: World) -> None:
    commit(world, {"prompt.txt": PLAIN.replace("amount.", "sum.")})
    for more in (("--dry-run",), ()):
        said = luigi(world, "Iteration", "--branch", "idea", *more)
        stops(said, TASK, "--branch idea", "conflicts with main in 'prompt.txt'")
    assert not world.folder(1).exists()


def test_in_a_first_iteration_a_module_that_nothing_loads_is_reported(
    make_target: Callable[..., TargetWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_target().small(plans=12)
    world.branch("idea", {"src/notes/core.py": BETTER_CORE})
    commit(world, {"src/notes/style.py": "STYLE = 'terse'\n"})
    assert world.iterate(branch="idea")
    assert "'src/notes/style.py' since" in capsys.readouterr().out
    assert world.verdict().outcome is not Outcome.INVALID
    assert not loads_style(world)


def test_in_a_first_iteration_a_module_that_the_runs_of_main_load_makes_it_invalid(
    make_target: Callable[..., TargetWorld],
) -> None:
    """Nothing is run on the sealed plans; afterwards the loaded modules are known at once."""
    world = make_target().small(plans=12)
    uses = "from notes import style\n\n"
    commit(world, {"src/notes/core.py": uses + CORE, "src/notes/style.py": "STYLE = 'long'\n"})
    world.branch("idea", {"src/notes/core.py": uses + BETTER_CORE})
    world.branch("later", {"src/notes/core.py": uses + BETTER_CORE.replace("all", "each")})
    commit(world, {"src/notes/style.py": "STYLE = 'terse'\n"})
    assert world.iterate(branch="idea")
    verdict = world.verdict()
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reasons[0].code is Code.BASE_MOVED
    assert "'src/notes/style.py'" in verdict.reasons[0].text
    assert "Merge 'main' into 'idea'" in verdict.reasons[0].text
    assert loads_style(world)
    assert not (world.folder / "runs_verify.json").exists()
    assert not world.iterate(branch="later")
    assert not (world.lab / "analysis/2_probe").exists()


def loads_style(world: TargetWorld) -> bool:
    return any("src/notes/style.py" in run["sent"]["files"] for run in world.runs())


def test_a_module_that_no_recorded_run_has_loaded_is_no_obstacle(
    make_target: Callable[..., TargetWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_target().small(plans=12)
    world.branch("idea", {"src/notes/core.py": BETTER_CORE})
    world.branch("later", {"src/notes/core.py": BETTER_CORE.replace("all", "each")})
    assert world.iterate(branch="idea")
    world.git("reset", "-q", "--hard", world.git("merge-base", "idea", "later"))
    commit(world, {"src/notes/style.py": "STYLE = 'terse'\n"})
    capsys.readouterr()
    assert world.iterate(branch="later")
    assert "No recorded run of main has loaded that" in capsys.readouterr().out


def test_main_that_moves_during_the_runs_is_merged_into_by_nobody(world: World) -> None:
    assert luigi(world, "Verdict", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    main = commit(world, {"schema.json": TITLED})
    assert luigi(world, "Iteration").code == 0
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reasons[0].code is Code.BASE_MOVED
    assert "'schema.json'" in verdict.reasons[0].text
    assert world.git("rev-parse", "main") == main
    assert world.record(1, "conclusion")["action"] == "left open"
    pull = json.loads((world.lab / "pulls/0001.json").read_text())
    assert "'schema.json' would not be as it was measured" in pull["comments"][0]["body"]
    assert "1: identical (INVALID)" in luigi(world, "Replay").out


def test_main_that_moves_elsewhere_during_the_runs_is_no_matter(world: World) -> None:
    assert luigi(world, "Verdict", "--branch", "idea").code == 0
    commit(world, {"README.md": "Another shop.\n"})
    assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    assert HINT in world.git("show", "main:prompt.txt")


def test_a_branch_that_cannot_be_tested_spends_nothing_and_blocks_nobody(world: World) -> None:
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES
    world.git("branch", "old", "main~1")
    said = {
        "idea": "iteration 1: YES, merged. pull request #1",
        "old": "no commit that 'main' lacks",
    }
    for branch, words in said.items():
        for more in (("--dry-run",), ()):
            stops(luigi(world, "Iteration", "--branch", branch, *more), TASK, words)
    assert not world.folder(2).exists()
    assert not (world.lab / "pulls/0002.json").exists()
