"""A whole iteration on GitHub, killed at every call to it in turn, and started again.

A process that is killed in the middle of a read has left what one left that was killed before it,
so reads are cut before they take effect, and calls that change something also after.
"""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import luigi
import pytest

from adapters.git import Git
from adapters.registry import load
from pipeline.iteration import Iteration
from pipeline.verdict import Verdict
from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.server import Cut
from tests.adapters.code_host.hub.wire import ask
from tests.pipeline.github_world import BETTER, OTHER, GitHubWorld
from tests.pipeline.world import World

pytestmark = [pytest.mark.slow, pytest.mark.long]
FORK = multiprocessing.get_context("fork")
WRITES = ("POST", "PUT", "PATCH")
When = Literal["before", "after"]


def _run(task: type[luigi.Task]) -> None:
    os.setsid()
    done = luigi.build([task(branch="idea")], local_scheduler=True, log_level="ERROR")
    os._exit(0 if done else 1)


@dataclass
class Trial:
    """The same iteration over and over: from nothing, or from where its verdict has been found."""

    world: World
    prompt: str
    emulator: Emulator | None
    kept: dict[str, Path] = field(default_factory=dict)

    def keep(self, name: str) -> None:
        """Remember the world as it is."""
        self.kept[name] = self.world.root.with_name(f"kept-{name}")
        shutil.copytree(self.world.root, self.kept[name], symlinks=True)

    def again(self, name: str) -> GitHubWorld:
        """The world as it was, with a repository of the same name on a hub that is new."""
        shutil.rmtree(self.world.root, ignore_errors=True)
        shutil.copytree(self.kept[name], self.world.root, symlinks=True)
        if self.emulator is not None:
            path = f"/repos/{GitHubWorld(self.world).name}"
            ask(self.emulator.port, "DELETE", path, token=TOKEN)
        return GitHubWorld(self.world, self.emulator)

    def run(self, hub: GitHubWorld, task: type[luigi.Task], cut: tuple[int, When] | None) -> int:
        """The command in a process of its own, killed at that call if there is one."""
        process = FORK.Process(target=_run, args=(task,))
        # Bound late: the process has its number once it runs.
        kill = lambda: os.killpg(process.pid or 0, signal.SIGKILL)  # noqa: E731
        hub.hub.calls.clear()
        hub.hub.cut = None if cut is None else Cut(*cut, kill)
        process.start()
        process.join(120)
        hub.hub.cut = None
        assert process.exitcode is not None
        return process.exitcode


def _open(hub: GitHubWorld) -> None:
    """What the hub holds once the verdict has been found: the branch and its pull request."""
    head = hub.world.git("rev-parse", "idea")
    hub.world.git("push", "-q", str(hub.bare), "idea")
    hub.pushed()
    pull = {"title": "Test idea", "head": "idea", "base": "main"}
    body = {"body": "Opened for iteration 1 of step 'read_sum'."}
    made = _ask(hub, "POST", "/pulls", {**pull, **body})
    assert (made["number"], made["head"]["sha"]) == (1, head)


def _ask(hub: GitHubWorld, method: str, path: str, data: Any = None) -> Any:
    return ask(hub.hub.port, method, f"/repos/{hub.name}{path}", data, TOKEN).data


def _told(hub: GitHubWorld) -> tuple[list[Any], list[Any]]:
    """All pull requests, and the comments of the first, as anybody is told them over HTTP."""
    pulls = _ask(hub, "GET", "/pulls?state=all")
    return pulls, _ask(hub, "GET", "/issues/1/comments") if pulls else []


def _check_between(hub: GitHubWorld) -> None:
    pulls, comments = _told(hub)
    assert len(pulls) <= 1
    assert len(comments) <= 1
    if pulls and pulls[0]["state"] == "closed":
        assert len(comments) == 1, "ended without its comment"


def _check_end(hub: GitHubWorld, outcome: str) -> None:
    [pull], [comment] = _told(hub)
    assert pull["state"] == "closed"
    assert (pull["merged_at"] is not None) == (outcome == "YES")
    assert f"{outcome}\n" in comment["body"]
    world = hub.world
    assert world.verdict(1).outcome.value == outcome
    action = world.record(1, "conclusion")["action"]
    assert action == ("merged" if outcome == "YES" else "closed")
    there = Git(hub.bare)("rev-parse", "main")
    assert world.git("rev-parse", "main") == there
    assert there == (pull["merge_commit_sha"] if outcome == "YES" else _first(world))
    assert len(_verdicts(hub, pull["head"]["sha"])) == 1


def _verdicts(hub: GitHubWorld, head: str) -> list[Any]:
    if hub.emulator is None:
        return hub.stand_in.statuses
    found: list[Any] = _ask(hub, "GET", f"/commits/{head}/check-runs")["check_runs"]
    return found


def _first(world: World) -> str:
    return world.git("rev-list", "--max-parents=0", "main")


def _cuts(calls: list[str]) -> Iterator[tuple[int, When]]:
    for n, call in enumerate(calls, start=1):
        yield n, "before"
        if call.startswith(WRITES):
            yield n, "after"


@pytest.fixture(params=["github", "emulate"])
def make_trial(
    request: pytest.FixtureRequest, make_world: Callable[..., World], monkeypatch: Any
) -> Callable[[str], Trial]:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    emulator = request.getfixturevalue("emulator") if request.param == "emulate" else None
    for kind, name in (("llm", "scripted"), ("step", "extract_invoice"), ("code_host", "github")):
        load(kind, name)  # what every process would import anew

    def make(prompt: str) -> Trial:
        world = make_world(train=6, verify=6, policy={"verify": "if_given"})
        trial = Trial(world, prompt, emulator)
        trial.keep("empty")
        return trial

    return make


@pytest.mark.parametrize(("outcome", "prompt"), [("YES", BETTER), ("NO", OTHER)], ids=["YES", "NO"])
def test_every_cut_point(make_trial: Callable[[str], Trial], outcome: str, prompt: str) -> None:
    trial = make_trial(prompt)
    with trial.again("empty") as hub:
        hub.world.branch("idea", {"prompt.txt": prompt})
        trial.keep("new")
        assert trial.run(hub, Verdict, None) == 0
        until_verdict = list(hub.hub.calls)
        trial.keep("judged")
        assert trial.run(hub, Iteration, None) == 0
        after_verdict = list(hub.hub.calls)
        _check_end(hub, outcome)
    for cut in _cuts(after_verdict):
        with trial.again("judged") as hub:
            _open(hub)
            _survives(trial, hub, cut, outcome)
    # A NO is no different until its verdict is known.
    for cut in _cuts(until_verdict) if outcome == "YES" else ():
        with trial.again("new") as hub:
            _survives(trial, hub, cut, outcome)


def _survives(trial: Trial, hub: GitHubWorld, cut: tuple[int, When], outcome: str) -> None:
    assert trial.run(hub, Iteration, cut) == -signal.SIGKILL, cut
    _check_between(hub)
    assert trial.run(hub, Iteration, None) == 0, cut
    _check_end(hub, outcome)
