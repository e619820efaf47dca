"""Several processes of one luigid: even shares, restarts of luigid, other labs, nothing to do."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.luigid import Luigid
from tests.pipeline.model_server import ModelServer, reads_well
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
AGAIN = "un the same command again"
SECONDS = 120


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[Luigid]:
    with Luigid(tmp_path) as running:
        yield running


class Gate:
    """Reads well, but once `is_shut` an answer waits until the gate is opened."""

    def __init__(self) -> None:
        self.is_shut: Callable[[], bool] = lambda: False
        self.waiting = 0
        self.opened = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, system: str, user: str) -> str:
        if self.is_shut():
            with self._lock:
                self.waiting += 1
            self.opened.wait(SECONDS)
        return reads_well(system, user)

    def wait_for(self, calls: int) -> None:
        """Until so many calls wait."""
        deadline = time.monotonic() + SECONDS
        while self.waiting < calls:
            assert time.monotonic() < deadline, self.waiting
            time.sleep(0.02)


@pytest.mark.long
def test_three_processes_make_the_same_number_of_a_looks_runs(
    make_world: MakeWorld, luigid: Luigid
) -> None:
    all_three = threading.Barrier(6, timeout=SECONDS)  # two calls of each process
    look: list[Path] = []

    def behave(system: str, user: str) -> str:
        if look and look[0].exists() and "shop train" in user:
            all_three.wait()
        return reads_well(system, user)

    with ModelServer(behave) as server:
        model = server.config(workers=2, timeout_seconds=90)
        world = make_world(models={"m": model}, train=20, verify=3, scout=4)
        look.append(world.folder(1) / "batch_train.json")
        first = luigid.iterate(world)
        while not look[0].exists():
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        processes = [first, luigid.iterate(world), luigid.iterate(world)]
        said = [process.communicate(timeout=SECONDS)[1] for process in processes]
        assert max(server.calls.values()) == 1
    made = [map(int, re.findall(r"train runs: (\d+) made by this process", err)) for err in said]
    assert [sum(one) for one in made] == [12, 12, 12], said


@pytest.mark.long
def test_a_luigid_that_is_killed_and_restarted_has_no_run_made_twice(
    make_world: MakeWorld, luigid: Luigid
) -> None:
    gate = Gate()
    with ModelServer(gate) as server:
        world = make_world(
            models={"m": server.config(workers=2, timeout_seconds=90)}, train=20, verify=3
        )

        def some_are_made() -> bool:
            return len(list((world.lab / "history").glob("*/*/outputs/*/run.json"))) >= 10

        gate.is_shut = some_are_made
        with luigid.iterate(world) as first:
            gate.wait_for(2)
            luigid.kill()
            luigid.start()
            with luigid.iterate(world) as second:
                gate.wait_for(4)  # the second one calls for other runs than the first
                gate.opened.set()
                said = [process.communicate(timeout=SECONDS) for process in (first, second)]
        assert max(server.calls.values()) == 1, said
        with luigid.iterate(world) as last:
            out, err = last.communicate(timeout=SECONDS)
        assert (last.returncode, "Iteration 1" in out) == (0, True), err
        assert max(server.calls.values()) == 1
    assert (world.verdict(1).n_missing, world.verdict(1).n_pairs) == (0, 20)


@pytest.mark.long
def test_two_labs_with_the_same_step_and_number_share_a_luigid(
    tmp_path: Path, luigid: Luigid
) -> None:
    gate = Gate()
    with ModelServer(gate) as server:
        models = {"m": server.config(workers=2, timeout_seconds=90)}
        folders = [tmp_path / name for name in ("one", "other")]
        worlds = [World(root, models=models, train=12, verify=3).make() for root in folders]
        gate.is_shut = (worlds[0].folder(1) / "batch_train.json").exists
        first = luigid.iterate(worlds[0])
        gate.wait_for(2)
        second = luigid.iterate(worlds[1])
        gate.wait_for(4)
        gate.opened.set()
        for process in (first, second):
            out, err = process.communicate(timeout=SECONDS)
            assert (process.returncode, "Iteration 1" in out) == (0, True), err
    assert [world.verdict(1).n_missing for world in worlds] == [0, 0]
    first_id, second_id = ((w.lab / "work/.lab-id.json").read_text() for w in worlds)
    assert first_id != second_id


def test_a_process_that_has_nothing_to_do_says_who_is_at_work_and_when_to_come_again(
    make_world: MakeWorld, luigid: Luigid
) -> None:
    gate = Gate()
    gate.is_shut = lambda: True
    with ModelServer(gate) as server:
        model = server.config(workers=1, timeout_seconds=90)
        world = make_world(models={"m": model}, train=12, verify=3, scout=1)
        with luigid.iterate(world) as first:
            gate.wait_for(1)
            with luigid.iterate(world) as second:
                out, err = second.communicate(timeout=SECONDS)
            assert (second.returncode, out) != (0, ""), err
            assert err.count(AGAIN) == 1, err
            assert f"process {first.pid} on" in err
            assert "is at work on Run" in err
            first.kill()
            first.communicate()
            with luigid.iterate(world) as third:
                out, err = third.communicate(timeout=SECONDS)
            assert third.returncode != 0
            assert err.count(AGAIN) == 1, err
            assert f"process {first.pid} on" in err
            assert re.search(r"ended while .* hands out again in \d+ seconds", err), err
            assert "Traceback" not in err
        gate.opened.set()
