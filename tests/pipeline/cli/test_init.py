"""`prompt-lab init` with a prompt and a table of one's own: from two files to a verdict."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import warm_commands
from tests.pipeline.cli.own_project import (
    BETTER,
    answer_ticket,
    find_missing_lines,
    transcript,
    write_files,
)
from tests.pipeline.model_server import ModelServer

pytestmark = pytest.mark.slow


@dataclass
class OwnProject:
    """A folder with a user's files, the server, and how each command of the README ended."""

    root: Path
    server: ModelServer
    done: dict[str, "subprocess.CompletedProcess[str]"] = field(default_factory=dict)

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """`prompt-lab <args>` in the folder."""
        ours = ("PROMPTLAB", "LUIGI")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return warm_commands.run([warm_commands.BIN / "prompt-lab", *args], cwd=self.root, env=env)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    """The commands of the README's transcript but for pip, run once for all tests."""
    root = tmp_path_factory.mktemp("own")
    write_files(root)
    with ModelServer(answer_ticket) as server:
        project = OwnProject(root, server)
        for command, _ in transcript()[1:]:
            words = command.replace("http://127.0.0.1:8000/v1", server.address).split()[1:]
            project.done[command] = project.run(*words)
        yield project


def test_the_transcript_of_the_readme_is_what_the_commands_print(own: OwnProject) -> None:
    assert len(own.done) == 2
    for command, shown in transcript()[1:]:
        done = own.done[command]
        assert done.returncode == 0, done.stderr
        assert list(find_missing_lines(shown, done.stdout)) == [], done.stdout


def test_a_large_gain_is_merged_and_an_edit_that_changes_nothing_is_not(own: OwnProject) -> None:
    assert (own.root / "lab/analysis/1_prompt/verdict.json").read_text().count('"YES"')
    again = own.run("try", "same.txt")
    assert again.returncode == 0, again.stderr
    assert "Iteration 2  prompt  NO" in again.stdout
    text = subprocess.check_output(
        ["git", "-C", own.root / "lab/target", "show", "main:prompts/prompt.txt"], text=True
    )
    assert text == BETTER


def test_doctor_finds_nothing_wrong_and_then_each_fault_with_its_fix(own: OwnProject) -> None:
    well = own.run("doctor", "--check-key")
    assert well.returncode == 0, well.stdout + well.stderr
    assert "needs no key, and it answered in" in well.stdout
    assert "60 verify plans with usable inputs and right answers" in well.stdout
    config, plan = own.root / "promptlab.yaml", next((own.root / "lab/baseline/train").iterdir())
    gold, text = plan / "answer.txt", config.read_text()
    try:
        gold.rename(plan / "kept")
        config.write_text(text.replace("    base_url:", "    key_env: NO_SUCH_KEY\n    base_url:"))
        ill = own.run("doctor")
    finally:
        (plan / "kept").rename(gold)
        config.write_text(text)
    assert ill.returncode == 1
    assert "the environment variable NO_SUCH_KEY, which holds the key, is not set" in ill.stdout
    assert "fix: set NO_SUCH_KEY" in ill.stdout
    assert "and the plan has none" in ill.stdout
    assert ill.stderr == ""


def test_the_same_init_again_changes_nothing(own: OwnProject) -> None:
    before = {p: p.read_bytes() for p in own.root.rglob("*") if p.is_file()}
    command = next(iter(own.done)).replace("http://127.0.0.1:8000/v1", own.server.address)
    done = own.run(*command.split()[1:])
    assert done.returncode == 0, done.stderr
    assert "80 rows in the lab already" in done.stdout
    after = {p: p.read_bytes() for p in own.root.rglob("*") if p.is_file()}
    assert {p for p in before if after[p] != before[p]} == set()
