"""A target repository, and a workspace on it."""

from pathlib import Path

import pytest

from adapters.workspace.git import GitWorkspace
from tests.adapters.workspace.target import Target


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path / "target")


@pytest.fixture
def workspace(tmp_path: Path, target: Target) -> GitWorkspace:
    return GitWorkspace(target.folder, tmp_path / "work", "main")
