"""A world on the host that a test is run over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.code_host.worlds import EmulatedWorld, GitHubWorld, LocalWorld, World

ALL = ["local", *(pytest.param(name, marks=pytest.mark.slow) for name in ("github", "emulate"))]


@pytest.fixture(params=ALL)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on each host in turn: the local one, our stand-in of GitHub, the emulator."""
    made: World
    if request.param == "emulate":
        made = EmulatedWorld(tmp_path, request.getfixturevalue("emulator"))
    else:
        made = LocalWorld(tmp_path) if request.param == "local" else GitHubWorld(tmp_path)
    yield made
    made.close()


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubWorld]:
    """A world on our stand-in of GitHub."""
    made = GitHubWorld(tmp_path)
    yield made
    made.close()
