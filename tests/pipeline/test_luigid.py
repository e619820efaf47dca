"""What luigi hands out, to whom and how often: on its own, and through a luigid."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import luigi.scheduler
import pytest

from tests.loopback import free_port
from tests.pipeline.luigid import SETTINGS, Luigid
from tests.pipeline.model_server import ModelServer, reads_well
from tests.pipeline.terminal import STOPPED
from tests.pipeline.terminal import luigi as command
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import World
from tests.processes import HANG_SECONDS

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where a luigid with our settings listens."""
    with Luigid(tmp_path) as running:
        yield running.port


class Gate:
    """Reads well, but once `shut` it answers nobody before a third call is under way."""

    def __init__(self) -> None:
        self.shut: Callable[[], bool] = lambda: False
        self.waiting = 0
        self._open = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, system: str, user: str) -> str:
        if self.shut():
            with self._lock:
                self.waiting += 1
                if self.waiting > 2:
                    self._open.set()
            if not self._open.wait(30):
                self._open.set()  # nobody came: the test fails, soon
        return reads_well(system, user)


def test_two_processes_share_the_runs_and_none_is_made_twice(
    make_world: MakeWorld, port: int
) -> None:
    gate = Gate()
    with ModelServer(gate) as server:
        world = make_world(
            models={"m": server.config(workers=2, timeout_seconds=90)}, train=20, verify=3
        )
        gate.shut = (world.folder(1) / "batch_train.json").exists

        def start() -> "subprocess.Popen[str]":
            where = ("--number", "1", "--scheduler-port", str(port))
            return world.command("Iteration", *where, env=SETTINGS)

        with start() as first:
            while gate.waiting < 2:
                assert first.poll() is None, first.communicate()
                time.sleep(0.02)
            # The first makes two calls at a time, and neither ends before somebody makes a third.
            with start() as second:
                said = [process.communicate(timeout=HANG_SECONDS) for process in (second, first)]
        assert all("train runs" in err for _, err in said), said
        assert max(server.calls.values()) == 1
        # What another process did is no 0 for either: a last call says it.
        with start() as last:
            out, err = last.communicate(timeout=HANG_SECONDS)
        assert (last.returncode, "Iteration 1" in out) == (0, True), err
    assert (world.verdict(1).n_missing, world.verdict(1).n_pairs) == (0, 20)


def test_a_run_that_fails_is_asked_for_once_by_each_command(make_world: MakeWorld) -> None:
    def refuses_one(system: str, user: str) -> str | int:
        return 401 if "Invoice 9005" in user else reads_well(system, user)

    with ModelServer(refuses_one) as server:
        world = make_world(models={"m": server.config()}, train=12, verify=12)
        for times in (1, 2):
            said = command(world, "Iteration", "--workers", "3")
            stops(said, TASK, "could not be made", "the same command makes the rest")
            assert {n for key, n in server.calls.items() if "Invoice 9005" in key[1]} == {times}


def test_however_long_a_command_goes_on_a_failed_task_waits_for_the_next_one() -> None:
    scheduler = luigi.scheduler.Scheduler()  # with the settings of luigi.cfg
    scheduler.add_task(worker="this command", task_id="run", status="PENDING")
    assert scheduler.get_work(worker="this command")["task_id"] == "run"
    scheduler.add_task(worker="this command", task_id="run", status="FAILED")
    scheduler._state.get_task("run").retry = 0.0  # as if it had failed long ago
    assert scheduler.get_work(worker="this command")["task_id"] is None
    scheduler.add_task(worker="the next", task_id="run", status="PENDING")
    assert scheduler.get_work(worker="the next")["task_id"] == "run"


def test_without_a_luigid_the_command_ends_soon_and_says_how_to_start_one(
    make_world: MakeWorld,
) -> None:
    begun = time.monotonic()
    with make_world().command(
        "Iteration", "--scheduler-port", str(free_port()), env=SETTINGS
    ) as process:
        out, err = process.communicate(timeout=HANG_SECONDS)
    assert time.monotonic() - begun < 55  # by luigi's own settings: two waits of 30
    assert (process.returncode, out, err.count(STOPPED)) == (40, "", 1), err
    assert "make scheduler" in err
    assert "Traceback" not in err
