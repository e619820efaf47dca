"""The local host under two processes at once, and after a process that died anywhere."""

import json
import multiprocessing
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.code_host._merge import advance, make_merge
from adapters.code_host.local import LocalHost
from adapters.git import Git
from prompt_lab.names import PullState
from tests.adapters.code_host.ready import LATER, PROMPT, merged, ready
from tests.adapters.code_host.worlds import LocalWorld
from tests.adapters.workspace.target import WHEN


@pytest.fixture
def world(tmp_path: Path) -> LocalWorld:
    return LocalWorld(tmp_path)


@pytest.mark.parametrize("main_moved", [False, True])
class TestCut:
    """A process that dies between two steps, and the same call after it."""

    def test_after_the_merge_commit_is_made(self, world: LocalWorld, main_moved: bool) -> None:
        pull = ready(world)
        main = world.on_main({"other.txt": "x"}) if main_moved else world.target.head()
        git, scratch = Git(world.target.folder, ours=False), world.lab / "work"
        made = make_merge(git, scratch, (main, pull.head), message="Merge it", when=WHEN)
        assert world.target.head() == main
        assert merged(world.another(), pull) == made == world.target.head()

    def test_after_main_has_moved(self, world: LocalWorld, main_moved: bool) -> None:
        pull = ready(world)
        main = world.on_main({"other.txt": "x"}) if main_moved else world.target.head()
        git, scratch = Git(world.target.folder, ours=False), world.lab / "work"
        made = make_merge(git, scratch, (main, pull.head), message="Merge it", when=WHEN)
        advance(git, "main", old=main, new=made)
        assert world.host.get(pull.number).state is PullState.OPEN
        later = world.on_main({"later.txt": "x"})
        world.branch("topic", {PROMPT: "Somebody went on.\n"})
        assert merged(world.another(), pull, LATER) == made
        assert world.target.head() == later
        after = world.host.get(pull.number)
        assert (after.state, after.merged_commit) == (PullState.MERGED, made)

    def test_the_same_merge_elsewhere_is_the_same_commit(
        self, world: LocalWorld, tmp_path: Path, main_moved: bool
    ) -> None:
        pull = ready(world)
        if main_moved:
            world.on_main({"other.txt": "x"})
        shutil.copytree(world.lab, tmp_path / "copy")
        copy = tmp_path / "copy"
        there = LocalHost(copy / "pulls", copy / "target", copy / "work")
        assert merged(world.host, pull) == merged(there, pull)


def test_many_at_once_lose_nothing(world: LocalWorld) -> None:
    seed = world.branch("seed", {PROMPT: "New.\n"})
    for n in range(6):
        world.target.git("branch", "-q", f"b{n}", seed)

    def work(n: int) -> int:
        host = world.another()
        pull = host.open_pull(f"b{n % 6}", base="main", title="t", body="", when=WHEN)
        host.comment(pull.number, key=f"c{n}", body="x", when=WHEN)
        return pull.number

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(work, range(18)))
    assert sorted(set(numbers)) == [1, 2, 3, 4, 5, 6]
    assert sum(len(world.host.comments(n)) for n in set(numbers)) == 18


def _conclude(lab: Path, head: str) -> None:
    host = LocalHost(lab / "pulls", lab / "target", lab / "work")
    pull = host.open_pull("topic", base="main", title="Try", body="Why.", when=WHEN)
    host.comment(pull.number, key="verdict", body="YES", when=WHEN)
    host.merge(pull.number, expected_head=head, message="Merge it", when=WHEN)


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [6, pytest.param(24, marks=pytest.mark.long)])
def test_kill_9_at_any_moment_then_the_same_calls_end_the_same(
    world: LocalWorld, cuts: int
) -> None:
    head = world.branch("topic", {PROMPT: "New.\n"})
    main = world.on_main({"other.txt": "theirs\n"})
    fork = multiprocessing.get_context("fork")
    ended = set()
    for delay in [0.144 / cuts * step for step in range(cuts)]:
        shutil.rmtree(world.lab.with_name("try"), ignore_errors=True)
        lab = Path(shutil.copytree(world.lab, world.lab.with_name("try")))
        child = fork.Process(target=_conclude, args=(lab, head))
        child.start()
        time.sleep(delay)
        # The process alone: what git had begun goes on to its end beside the next call.
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        again = fork.Process(target=_conclude, args=(lab, head))
        again.start()
        again.join()
        assert again.exitcode == 0, f"killed after {delay:.3f} s"
        git = Git(lab / "target")
        assert git("status", "--porcelain") == ""
        assert git("log", "-1", "--format=%P", "main").split() == [main, head]
        record = json.loads((lab / "pulls" / "0001.json").read_text())
        ended.add((git("rev-parse", "main"), json.dumps(record)))
        assert [p.name for p in (lab / "pulls").glob("*.json")] == ["0001.json"]
        assert len(list((lab / "work").glob("*"))) <= 1
    assert len(ended) == 1
