"""Kill -9 in the middle of the runs, then the same command: nothing is lost, little is repeated."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.pipeline.model_server import ModelServer
from tests.pipeline.world import World
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
WORKERS = 4
KILLS = 3


def _kill_within(world: World, server: ModelServer, after: int) -> None:
    """Start the iteration and kill its process group once the server has had `after` more calls."""
    goal = server.calls.total() + after
    process = world.command("Iteration", "--number", "1", start_new_session=True)
    deadline = time.monotonic() + 180
    while server.calls.total() < goal:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_three_kills_at_random_moments_change_nothing(
    make_world: Callable[..., World], request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    with ModelServer(latency=0.05) as server:
        world = make_world(models={"m": server.config(workers=WORKERS)})
        for _ in range(KILLS):
            _kill_within(world, server, rng.randrange(3, 13))
        process = world.command("Iteration", "--number", "1")
        said, complaint = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == 0, complaint
        repeated = sum(count - 1 for count in server.calls.values())
        assert repeated <= KILLS * WORKERS
        assert server.calls.total() - repeated == 2 * (world.train + world.verify)
        killed = world.verdict(1)
    assert "YES" in said
    quiet = World(world.root.parent / "quiet", models=world.models)
    with ModelServer() as other:
        quiet.models = {"m": other.config(workers=WORKERS)}
        quiet.make()
        process = quiet.command("Iteration")
        assert process.wait(timeout=HANG_SECONDS) == 0
    assert quiet.verdict(1).fingerprint == killed.fingerprint
    assert quiet.verdict(1).outcome == killed.outcome


def test_ctrl_c_ends_with_nothing_that_looks_finished(make_world: Callable[..., World]) -> None:
    with ModelServer(latency=0.1) as server:
        world = make_world(models={"m": server.config(workers=2)})
        process = world.command("Iteration", start_new_session=True)
        until(lambda: server.calls.total() >= 6)
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail("Ctrl-C did not end the command within 20 seconds")
        assert process.returncode != 0
        assert not (world.folder(1) / "runs_train.json").exists()
        server.latency = 0
        again = world.command("Iteration")
        assert again.wait(timeout=HANG_SECONDS) == 0
        repeated = sum(count - 1 for count in server.calls.values())
        assert repeated <= 2
