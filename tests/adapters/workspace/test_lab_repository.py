"""The lab's own repository: made once, and made whole where it was cut short."""

import subprocess
from pathlib import Path

import pytest

from adapters.workspace.lab_repository import IGNORED, LabRepository
from tests.adapters.workspace.target import WHEN


@pytest.mark.parametrize("left", [(), ("hooks",), ("HEAD",), ("HEAD", "refs")])
def test_a_repository_cut_short_is_made_whole(tmp_path: Path, left: tuple[str, ...]) -> None:
    (tmp_path / ".git").mkdir()
    for name in left:
        path = tmp_path / ".git" / name
        if name == "HEAD":
            path.write_text("ref: refs/heads/main\n")
        else:
            path.mkdir()
    lab = LabRepository(tmp_path)
    lab.ensure()
    commit = lab.commit("The first", when=WHEN)
    assert len(commit) == 40


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    lab = LabRepository(tmp_path)
    lab.ensure()
    assert (tmp_path / ".gitignore").read_text() == IGNORED
    first = lab.commit("The first", when=WHEN)
    (tmp_path / ".gitignore").write_text("mine\n")
    subprocess.run(["git", "config", "user.name", "Me"], cwd=tmp_path, check=True)
    before = (tmp_path / ".git/config").read_text()
    lab.ensure()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / ".git/config").read_text() == before
    assert lab.commit("The second", when=WHEN) != first
    assert lab.commit("Nothing new", when=WHEN) != first
