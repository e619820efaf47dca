"""An iteration and a loop on GitHub, ended at calls to it in turn, and started again.

On our stand-in at its calls; on the emulator the loop is killed before and after calls that
change something, which one that is killed in the middle of a read cannot be told from. Every fifth
place is taken, and the first of each state or method; with PROMPTLAB_EVERY_CUT=1 all of them.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pipeline.tasks.iteration import Iteration, Verdict
from pipeline.tasks.loop import Loop, Revert
from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.wire import ask
from tests.pipeline.github.cuts import Command, Trial
from tests.pipeline.github.github_world import BETTER, OTHER, GitHubWorld
from tests.pipeline.warm import warm_up
from tests.pipeline.world import READS_LOOSELY, READS_WELL, World, scripted

pytestmark = [pytest.mark.slow, pytest.mark.long]
MakeWorld = Callable[..., World]
KILLED = -9
STRIDE = 1 if os.environ.get("PROMPTLAB_EVERY_CUT") else 5
ACTIONS = {"YES": "merged", "NO": "closed", "CONDITIONAL": "left open"}


class Case(NamedTuple):
    """A command, and the outcomes of the iterations that it makes."""

    command: Command
    outcomes: tuple[str, ...]
    prompt: str = ""
    """Of the branch that the command names."""
    models: dict[str, dict[str, Any]] | None = None


ITERATION = Command(Iteration, {"branch": "idea"})
YES = Case(ITERATION, ("YES",), BETTER)
NO = Case(ITERATION, ("NO",), OTHER)
WAITS = Case(
    ITERATION,
    ("CONDITIONAL",),
    BETTER,
    {"exact": scripted(READS_WELL), "loose": scripted(READS_LOOSELY)},
)
LOOP = Case(Command(Loop, {"iterations": 2}), ("YES", "NO"))


@pytest.fixture
def make_trial(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trial]:
    """A world that is kept as 'new', on the stand-in or on an emulator."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    warm_up()

    def make(case: Case, emulator: Emulator | None = None) -> Trial:
        trial = Trial(_world(make_world, case), emulator)
        if case.prompt:
            trial.world.branch("idea", {"prompt.txt": case.prompt})
        trial.keep("new")
        return trial

    return make


def _world(make_world: MakeWorld, case: Case) -> World:
    return make_world(train=6, verify=6, policy={"verify": "if_given"}, models=case.models or {})


@pytest.mark.parametrize("case", [YES, NO, WAITS, LOOP], ids=["YES", "NO", "CONDITIONAL", "loop"])
def test_started_again_from_its_calls(make_trial: Callable[..., Trial], case: Case) -> None:
    trial = make_trial(case)
    with trial.again("new") as hub:
        copies = trial.copies(hub, case.command)
        _check_end(hub, case)
    seen: set[str] = set()
    for place, copy in enumerate(copies):
        with trial.at(copy) as hub:
            state = _check_between(hub)
            if state <= seen and place % STRIDE:
                continue
            seen |= state
            assert trial.run(hub, case.command) == 0, copy
            _check_end(hub, case)
    # Else a cut went unseen, and nothing was tried there.
    ways = ("open",) if case is WAITS else ("open", "ended")
    ends = {f"{n} {end}" for n, _ in enumerate(case.outcomes, start=1) for end in ways}
    commented = {f"{n} commented, open" for n, _ in enumerate(case.outcomes, start=1)}
    assert seen == ends | commented


def test_a_revert_started_again_from_its_calls(make_trial: Callable[..., Trial]) -> None:
    trial = make_trial(YES)
    command = Command(Revert, {"number": 1, "reason": "Wrong totals."})
    before = trial.world.git("rev-parse", "main^{tree}")
    with trial.again("new") as hub:
        assert trial.run(hub, YES.command) == 0
        copies = trial.copies(hub, command)
        _check_taken_back(hub, before)
    tried: set[str] = set()
    for place, copy in enumerate(copies):
        method = copy.call.split(" ")[0]
        if method in tried and place % STRIDE:
            continue
        tried.add(method)
        with trial.at(copy) as hub:
            assert trial.run(hub, command) == 0, copy
            _check_taken_back(hub, before)
    assert {"GET", "POST", "PUT"} <= tried


def _check_taken_back(hub: GitHubWorld, before: str) -> None:
    """Two merged pull requests, each naming the other once, and main as it was at first."""
    (first, on_first), (second, on_second) = _pulls(hub)
    assert first["merged_at"]
    assert second["merged_at"]
    assert [comment["body"].split("\n")[0] for comment in on_first][1:] == ["## Reverted by #2"]
    assert [comment["body"].split("\n")[0] for comment in on_second] == ["## Revert of #1"]
    assert hub.git("rev-parse", "main^{tree}") == before
    assert hub.world.git("rev-parse", "main") == second["merge_commit_sha"]
    assert hub.world.record(1, "reverted")["merged_commit"] == second["merge_commit_sha"]
    assert "reverted <br>in <a" in (hub.world.lab / "index.html").read_text()


def test_killed_at_writes_to_the_emulator(
    make_trial: Callable[..., Trial], emulator: Emulator
) -> None:
    trial = make_trial(LOOP, emulator)
    with trial.again("new") as hub:
        until_verdict = trial.writes(hub, Command(Verdict, {}))
        trial.keep("judged")
        after_verdict = trial.writes(hub, LOOP.command)
        _check_end(hub, LOOP)
    assert (len(until_verdict), len(after_verdict)) == (3, 11)
    for cut in after_verdict[::STRIDE]:
        with trial.again("judged") as hub:
            _open(hub)
            _survives(trial, hub, cut, LOOP)
    for cut in until_verdict[::STRIDE]:
        with trial.again("new") as hub:
            _survives(trial, hub, cut, LOOP)


def _survives(trial: Trial, hub: GitHubWorld, cut: Any, case: Case) -> None:
    assert trial.run(hub, case.command, cut) == KILLED, cut
    _check_between(hub)
    assert trial.run(hub, case.command) == 0, cut
    _check_end(hub, case)


def _open(hub: GitHubWorld) -> None:
    """What the hub holds once the first verdict has been found: its branch and pull request."""
    change = hub.world.record(1, "change")
    hub.world.git("push", "-q", str(hub.bare), change["branch"])
    hub.pushed()
    pull = {"title": change["title"], "head": change["branch"], "base": "main", "body": "Why."}
    made = ask(hub.hub.port, "POST", f"/repos/{hub.name}/pulls", pull, TOKEN).data
    assert (made["number"], made["head"]["sha"]) == (1, change["commit"])


def _pulls(hub: GitHubWorld) -> list[tuple[Any, list[Any]]]:
    """All pull requests with their comments, oldest first, as anybody is told them over HTTP."""
    pulls = sorted(hub.ask("/pulls?state=all"), key=lambda pull: int(pull["number"]))
    return [(pull, hub.ask(f"/issues/{pull['number']}/comments")) for pull in pulls]


def _check_between(hub: GitHubWorld) -> set[str]:
    """What must hold wherever it was ended; and how far the newest pull request has come."""
    told = _pulls(hub)
    branches = [pull["head"]["ref"] for pull, _ in told]
    assert len(branches) == len(set(branches)), "a second pull request for an iteration"
    for pull, comments in told:
        assert len(comments) <= 1, "commented twice"
        assert comments or pull["state"] == "open", "ended without its comment"
    if not told:
        return set()
    newest, comments = told[-1]
    state = "ended" if newest["state"] == "closed" else "open"
    return {f"{len(told)} {'commented, ' if comments and state == 'open' else ''}{state}"}


def _check_end(hub: GitHubWorld, case: Case) -> None:
    world, main = hub.world, hub.world.git("rev-list", "--max-parents=0", "main")
    told = _pulls(hub)
    assert len(told) == len(case.outcomes)
    for number, (outcome, (pull, comments)) in enumerate(zip(case.outcomes, told, strict=True), 1):
        [comment] = comments
        assert f"{outcome}\n" in comment["body"]
        assert pull["state"] == ("open" if outcome == "CONDITIONAL" else "closed")
        labels = [label["name"] for label in pull["labels"]]
        assert labels == (["prompt-lab: conditional"] if outcome == "CONDITIONAL" else [])
        assert (pull["merged_at"] is not None) == (outcome == "YES")
        assert world.verdict(number).outcome.value == outcome
        action = world.record(number, "conclusion")["action"]
        assert action == ACTIONS[outcome]
        assert len(hub.verdicts(pull["head"]["sha"])) == 1
        main = pull["merge_commit_sha"] if outcome == "YES" else main
    assert world.git("rev-parse", "main") == hub.git("rev-parse", "main") == main
    ended = list(world.lab.glob("loops/*/ended.json"))
    assert len(ended) == (1 if case is LOOP else 0)
