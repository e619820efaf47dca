"""`prompt-lab`: one command for each task, whose options are the parameters of the task."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import luigi
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app, main
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Compare, Ledger, Replay
from pipeline.tasks.loop import GiveUp, Loop, PreparePull, Revert
from pipeline.tasks.noise_floor import NoiseFloor
from tests.pipeline.terminal import STOPPED, Said, forked
from tests.pipeline.world import World

MakeWorld = Callable[..., World]
FEW: dict[str, Any] = {"train": 3, "verify": 3, "scout": 2}
TASKS: dict[str, type[luigi.Task]] = {
    "iterate": Iteration,
    "loop": Loop,
    "ledger": Ledger,
    "replay": Replay,
    "compare": Compare,
    "noise-floor": NoiseFloor,
    "revert": Revert,
    "give-up": GiveUp,
    "prepare-pull": PreparePull,
}
OTHERS = (
    "init",
    "task",
    "run",
    "show-request",
    "scheduler",
    "install-local-model",
    "plans",
    "try",
    "doctor",
)


def shown(*args: str) -> str:
    """What a command prints in this process, however it ends, as one line."""
    return " ".join(CliRunner().invoke(app, list(args)).output.split())


def prompt_lab(world: World, *args: str) -> Said:
    return forked(world, lambda: main(args), {})


@pytest.mark.parametrize("name", TASKS)
def test_the_options_of_a_command_are_the_parameters_of_its_task(name: str) -> None:
    text = shown(name, "--help")
    for parameter, value in TASKS[name].get_params():
        is_public = value.visibility is luigi.parameter.ParameterVisibility.PUBLIC
        is_shown = f"--{parameter.replace('_', '-')} " in text
        assert is_shown == (is_public and parameter != "lab_id"), parameter
        if is_shown and value.description and not value.description.startswith("as for"):
            assert value.description in text
    assert "as for Iteration" not in text


def test_every_command_is_listed_and_completion_can_be_installed() -> None:
    text = shown("--help")
    for name in (*TASKS, *OTHERS):
        assert f" {name} " in text
    assert "--install-completion" in text


def test_a_typo_is_answered_by_the_closest_name() -> None:
    assert "'iterate'" in shown("iterat")
    assert "--models" in shown("iterate", "--modles", "haiku")


@pytest.mark.slow
def test_json_holds_the_records_and_nothing_else_is_on_standard_output(
    make_world: MakeWorld,
) -> None:
    world = make_world(**FEW)
    said = prompt_lab(world, "iterate", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["iteration"], found["step"], found["exit_code"]) == (1, "read_sum", 0)
    assert found["records"]["verdict"] == world.record(1, "verdict")
    assert "Iteration 1  read_sum" in said.err

    replayed = json.loads(prompt_lab(world, "replay", "--json").out)
    assert [one["same"] for one in replayed["verdicts"]] == [True]
    ledger = json.loads(prompt_lab(world, "ledger", "--json").out)
    assert [row["iteration"] for row in ledger["iterations"]] == [1]
    compared = json.loads(
        prompt_lab(world, "compare", "--before", "1", "--after", "2", "--json").out
    )
    assert {"about", "metrics", "verdict"} <= set(compared)


@pytest.mark.slow
def test_an_error_is_one_message_and_luigis_exit_code_with_json_too(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    for flags in ((), ("--json",)):
        said = prompt_lab(world, "iterate", "--models", "nobody", *flags)
        assert said.code != 0
        assert (said.err.count(STOPPED), "Traceback" in said.err) == (1, False), said.err
    assert json.loads(said.out)["exit_code"] == said.code


@pytest.mark.slow
def test_a_folder_of_configs_without_policies_and_prompts_takes_the_shipped_ones(
    make_world: MakeWorld,
) -> None:
    world = make_world(**FEW)
    shutil.rmtree(world.root / "configs/policies")
    shutil.rmtree(world.root / "configs/prompts")
    said = prompt_lab(world, "iterate", "--dry-run")
    assert said.code == 0, said.err


@pytest.mark.slow
def test_init_writes_a_project_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    assert "written" in shown("init", str(folder))
    assert (folder / "lab/target/.git").is_dir()
    settings = (folder / "luigi.cfg").read_text()
    assert "[retcode]" in settings
    assert "[lab]" not in settings
    (folder / "promptlab.yaml").write_text((folder / "promptlab.yaml").read_text() + "# mine\n")
    assert "exists, not changed" in shown("init", str(folder))
    assert (folder / "promptlab.yaml").read_text().endswith("# mine\n")
