"""A folder without luigi.cfg, and settings that name no file: one message each, no trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm_commands
from tests.pipeline.terminal import STOPPED

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[3]
COMMANDS = (("luigi", "--module", "pipeline", "Ledger"), ("prompt-lab", "ledger"))
PROJECT = "defaults: {step: read, models: [mini]}\n"


def run(folder: Path, *command: str, **env: str) -> tuple[int, str]:
    """A command in a folder: its exit code and standard error."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB_")}
    words = [str(warm_commands.BIN / command[0]), *command[1:]]
    done = warm_commands.run(words, cwd=folder, env={**clean, **env})
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_bad_settings_end_in_one_message(tmp_path: Path, command: tuple[str, ...]) -> None:
    empty, project = tmp_path / "empty", tmp_path / "project"
    for folder in (empty, project):
        folder.mkdir()
    (project / "promptlab.yaml").write_text(PROJECT + "stepz: {}\n")
    (tmp_path / "own.cfg").write_text("[core]\nlogging_conf_file = nowhere.ini\n")
    for folder, env, words in (
        (empty, {}, "prompt-lab init"),
        (empty, {"LUIGI_CONFIG_PATH": "/nowhere.cfg"}, "LUIGI_CONFIG_PATH=/nowhere.cfg"),
        (empty, {"LUIGI_CONFIG_PATH": str(tmp_path / "own.cfg")}, "'nowhere.ini'"),
        (project, {}, "promptlab.yaml:2: stepz: unknown key"),
    ):
        code, err = run(folder, *command, **env)
        assert code != 0
        assert words in err
        assert (err.count(STOPPED), "Traceback" in err) == (1, False), err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_project_needs_no_settings_of_its_own(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "promptlab.yaml").write_text(PROJECT)
    (tmp_path / "lab").mkdir()
    shipped = str(REPOSITORY / "luigi.cfg")
    for env in ({}, {"LUIGI_CONFIG_PATH": shipped}):
        code, err = run(tmp_path, *command, **env)
        assert (code, "Traceback" in err) == (0, False), err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_from_cron_paths_start_at_the_folder_of_the_settings(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (project / "data", elsewhere):
        folder.mkdir(parents=True)
    settings = (REPOSITORY / "luigi.cfg").read_text("utf-8").replace("root = lab", "root = data")
    (project / "luigi.cfg").write_text(settings, "utf-8")
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [program, *command[1:]],
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "LUIGI_CONFIG_PATH": str(project / "luigi.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (project / "data/index.html").is_file()
    assert not list(elsewhere.iterdir())
