"""Kill -9 at random moments of a whole iteration: the same verdict, one merge, no torn file.

`PROMPTLAB_KILLS=100 python -m pytest -m long tests/pipeline/test_kill_anywhere.py` makes 100 kills;
without the variable 12 are made. Each prints the seed that repeats its moments.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.model_server import ModelServer
from tests.pipeline.world import HINT, PLAIN, World
from tests.processes import HANG_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.long]
KILLS = int(os.environ.get("PROMPTLAB_KILLS", "12"))
IN_A_ROW = 6
"""Kills of one iteration before it may end."""
COMMAND = ("Iteration", "--branch", "idea")
MERGED = "iteration 1: YES, merged"


def _finish(world: World) -> float:
    """Run the command to its end. Returns how long it took."""
    begun = time.monotonic()
    process = world.command(*COMMAND)
    _, complaint = process.communicate(timeout=HANG_SECONDS)
    # A kill at the very end leaves nothing to do, and the command says so.
    assert process.returncode == 0 or MERGED in complaint, complaint
    return time.monotonic() - begun


def _kill_after(world: World, seconds: float) -> bool:
    """Start the command, and kill its group after so long; False where it ended before."""
    process = world.command(*COMMAND, start_new_session=True)
    try:
        _, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0 or MERGED in complaint, complaint
    return False


def _check_whole(world: World) -> None:
    """Every file can be read to its end, and both repositories are sound."""
    for path in world.lab.rglob("*"):
        if ".git" in path.parts or not path.is_file():
            continue
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        if path.suffix == ".jsonl":
            for line in path.read_text("utf-8").splitlines():
                json.loads(line)
    for repository in (world.lab, world.target):
        fsck = ["git", "fsck", "--strict", "--no-dangling"]
        subprocess.run(fsck, cwd=repository, check=True, capture_output=True)
        assert not list(repository.glob(".git/**/*.lock"))


def _check_once(world: World) -> None:
    """One verdict's comment on one pull request, and one merge."""
    pulls = [json.loads(p.read_text("utf-8")) for p in (world.lab / "pulls").glob("*.json")]
    assert [pull["state"] for pull in pulls] == ["merged"]
    assert [one["key"] for one in pulls[0]["comments"]] == ["verdict-1"]
    assert world.git("rev-list", "--count", "--merges", "main") == "1"
    assert not (world.folder(2)).exists()


def test_kills_at_random_moments_change_nothing(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    seed = int(os.environ.get("PROMPTLAB_KILL_SEED", random.randrange(10**6)))
    print(f"PROMPTLAB_KILL_SEED={seed}")
    rng = random.Random(seed)
    with ModelServer(latency=0.02) as server:
        world = make_world(models={"m": server.config()}, policy={"verify": "if_given"})
        world.branch("idea", {"prompt.txt": PLAIN.replace("amount.", f"amount. {HINT}")})
        before = tmp_path / "before"
        shutil.copytree(world.root, before, symlinks=True)
        whole = _finish(world)
        honest = world.verdict(1)
        _check_once(world)
        made = 0
        while made < KILLS:
            shutil.rmtree(world.root)
            shutil.copytree(before, world.root, symlinks=True)
            for _ in range(min(IN_A_ROW, KILLS - made)):
                if not _kill_after(world, rng.uniform(0, whole)):
                    break
                made += 1
            _finish(world)
            found = world.verdict(1)
            assert (found.outcome, found.fingerprint) == (honest.outcome, honest.fingerprint)
            _check_once(world)
            _check_whole(world)
    print(f"{made} kills")
