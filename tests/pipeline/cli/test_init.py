"""`prompt-lab init` with a prompt and a table of one's own: from two files to a verdict."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.cli.app import main
from tests.pipeline.cli.own_project import (
    BETTER,
    answer_ticket,
    find_missing_lines,
    transcript,
    write_files,
)
from tests.pipeline.lab_folder import LabFolder
from tests.pipeline.model_server import ModelServer
from tests.pipeline.terminal import Said, forked

pytestmark = pytest.mark.slow


@dataclass
class OwnProject:
    """A folder with a user's files, the server, and what each command of the README printed."""

    world: LabFolder
    server: ModelServer
    said: dict[str, Said]

    @property
    def root(self) -> Path:
        return self.world.root

    def run(self, *args: str) -> Said:
        """`prompt-lab <args>` in the folder."""

        def in_folder() -> None:
            os.chdir(self.root)
            main(args)

        return forked(self.world, in_folder, {})


class Folder(LabFolder):
    """A user's folder: its project is found by the current directory."""

    @property
    def env(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    """The commands of the README's transcript but for pip, run once for all tests."""
    root = tmp_path_factory.mktemp("own")
    write_files(root)
    with ModelServer(answer_ticket) as server:
        project = OwnProject(Folder(root), server, {})
        for command, _ in transcript()[1:]:
            words = command.replace("http://127.0.0.1:8000/v1", server.address).split()[1:]
            project.said[command] = project.run(*words)
        yield project


def test_the_transcript_of_the_readme_is_what_the_commands_print(own: OwnProject) -> None:
    assert len(own.said) == 2
    for command, shown in transcript()[1:]:
        done = own.said[command]
        assert done.code == 0, done.err
        assert list(find_missing_lines(shown, done.out)) == [], done.out


def test_a_large_gain_is_merged_and_an_edit_that_changes_nothing_is_not(own: OwnProject) -> None:
    merged = own.root / "lab/target"
    assert (own.root / "lab/analysis/1_prompt/verdict.json").read_text().count('"YES"')
    again = own.run("try", "same.txt")
    assert again.code == 0, again.err
    assert "Iteration 2  prompt  NO" in again.out
    text = own.world.git("show", "main:prompts/prompt.txt", at=merged) + "\n"
    assert text == BETTER


def test_the_same_init_again_changes_nothing(own: OwnProject) -> None:
    before = {p: p.read_bytes() for p in own.root.rglob("*") if p.is_file()}
    command = next(iter(own.said)).replace("http://127.0.0.1:8000/v1", own.server.address)
    done = own.run(*command.split()[1:])
    assert done.code == 0, done.err
    assert "80 rows in the lab already" in done.out
    after = {p: p.read_bytes() for p in own.root.rglob("*") if p.is_file()}
    assert {p for p in before if after[p] != before[p]} == set()
