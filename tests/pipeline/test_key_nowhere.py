"""A key that a careless server echoes is nowhere: lab, pages, recordings, git objects, terminal."""

import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.adapters.step.speaking import speak
from tests.pipeline.target_world import BETTER, CORE, DUMMY, TargetWorld
from tests.pipeline.test_target_gateway import asks

pytestmark = pytest.mark.slow
KEY = "sk-echoed-0123456789abcdefghij"
SHAPELESS = "plainwordsthatlooklikenokey77"
"""Found by its value alone."""


def _objects(git_dir: Path) -> bytes:
    """The content of all objects, packed and loose, reachable or not."""
    command = ["git", "--git-dir", str(git_dir), "cat-file", "--batch-all-objects", "--batch"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    loose = [zlib.decompress(p.read_bytes()) for p in git_dir.glob("objects/[0-9a-f][0-9a-f]/*")]
    return listed + b"".join(loose)


def _places_of(root: Path, key: str) -> list[str]:
    """Files, file names and git folders below `root` that hold the key."""
    found = []
    for path in root.rglob("*"):
        if key in path.name or (path.is_file() and key.encode() in path.read_bytes()):
            found.append(str(path))
        if path.name == "HEAD" and (path.parent / "objects").is_dir():
            found += [str(path.parent)] * (key.encode() in _objects(path.parent))
    return found


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
@pytest.mark.parametrize("key", [KEY, SHAPELESS], ids=["a key's shape", "any word"])
def test_an_echoed_key_is_found_nowhere(
    make_target: Callable[..., TargetWorld],
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    key: str,
    packed: bool,
) -> None:
    monkeypatch.setenv("ECHOED_KEY", key)
    asked: list[str] = []

    def echo(system: str, user: str) -> str:
        asked.append(user)
        return f"Your key is {key}. " + ("yes " * (9 if "all" in system else 3))

    url = speak(httpserver, echo)
    model = {**DUMMY, "base_url": url, "key_env": "ECHOED_KEY"}
    world = make_target(
        models={"one": model}, lab_config={"gateway": {"mode": "record", "recordings": "kept"}}
    )
    world.small(body=asks(2))
    world.branch("better", {"src/notes/core.py": BETTER})
    assert world.iterate(branch="better")
    assert asked
    said = capfd.readouterr()
    assert key not in said.out + said.err
    if packed:
        for git_dir in (world.lab / ".git", world.target / ".git"):
            subprocess.run(["git", "--git-dir", str(git_dir), "gc", "-q"], check=True)
    names = {path.name for path in world.lab.rglob("*")}
    assert {"answer.txt", "calls.jsonl", "report.html", "kept"} <= names
    assert _places_of(tmp_path, key) == []
    (world.lab / "planted").write_text(key)  # the search finds what is there
    world.write(world.target, {"README.md": f"{CORE}{key}"})
    world.git("add", "-A")
    world.git("stash", "-q")
    if packed:
        world.git("gc", "-q")
    assert {Path(p).name for p in _places_of(tmp_path, key)} >= {"planted", ".git"}
