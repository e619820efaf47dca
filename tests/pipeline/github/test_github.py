"""An iteration whose pull request is on GitHub: what is seen when things there are not as hoped."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from tests.adapters.code_host.hub.emulator import TOKEN
from tests.adapters.code_host.hub.wire import Call, Reply, ask
from tests.pipeline.github.github_command import ends, judge, run, stops
from tests.pipeline.github.github_world import BETTER, OTHER, GitHubWorld
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["github", "emulate"])
def test_three_iterations_as_anybody_is_told_of_them(
    make_world: Callable[..., World], request: pytest.FixtureRequest, kind: str
) -> None:
    emulator = request.getfixturevalue("emulator") if kind == "emulate" else None
    with GitHubWorld(make_world(train=6, verify=6), emulator) as hub:
        world = hub.world
        assert run(hub, "Iteration").code == 0
        merged = hub.git("rev-parse", "main")
        assert world.git("rev-parse", "main") == merged
        assert HINT in hub.git("show", "main:prompt.txt")
        world.branch("docs", {"README.md": "A shop. # says nothing new\n"})
        assert run(hub, "Iteration", "--branch", "docs").code == 0
        world.branch("worse", {"prompt.txt": PLAIN})
        assert run(hub, "Iteration", "--branch", "worse").code == 0
        assert hub.git("rev-parse", "main") == merged
        told = [_told(hub, number) for number in (1, 2, 3)]
        files = [path for path in world.lab.rglob("*") if path.is_file()]
        assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    for one, word in zip(told, ("YES", "INVALID", "NO"), strict=True):
        assert f" {word}\n" in one.comment
    assert "| model |" in told[0].comment
    assert [one.ended for one in told] == ["merged", "open", "closed"]
    assert [one.labels for one in told] == [[], ["prompt-lab: invalid"], []]
    states = {"github": ["success", "error", "failure"], "emulate": None}[kind]
    assert [one.verdict for one in told] == (states or ["success", "cancelled", "failure"])


class Told(NamedTuple):
    """A pull request with its one comment, as plain HTTP has it."""

    ended: str
    labels: list[str]
    comment: str
    verdict: str


def _told(hub: GitHubWorld, number: int) -> Told:
    pull, [comment] = hub.ask(f"/pulls/{number}"), hub.ask(f"/issues/{number}/comments")
    [verdict] = hub.verdicts(pull["head"]["sha"])
    ended = "merged" if pull["merged"] else pull["state"]
    return Told(ended, [label["name"] for label in pull["labels"]], comment["body"], verdict)


def test_the_next_iteration_starts_from_the_main_that_is_there(hub: GitHubWorld) -> None:
    theirs = hub.commit("main", "README.md", "Theirs.\n")
    judge(hub)
    assert hub.world.record(1, "change")["base_commit"] == theirs
    assert hub.world.git("rev-parse", "main") == theirs


def test_a_dry_run_changes_nothing_there(hub: GitHubWorld) -> None:
    hub.commit("main", "README.md", "Theirs.\n")
    before = hub.world.git("rev-parse", "main")
    assert run(hub, "Iteration", "--dry-run", "--branch", "idea").code == 0
    assert not [call for call in hub.hub.calls if not call.startswith("GET")]
    assert hub.world.git("rev-parse", "main") == before


def test_a_head_that_moved_since_its_runs(hub: GitHubWorld) -> None:
    judge(hub)
    hub.commit("idea", "prompt.txt", BETTER + "Really.\n")
    ends(hub, "left open")
    verdict = hub.world.verdict(1)
    assert verdict.outcome is Outcome.INVALID
    assert Code.HEAD_MOVED in {reason.code for reason in verdict.reasons}
    assert hub.stand_in.pulls[1].labels == ["prompt-lab: invalid"]
    assert hub.stand_in.statuses[-1]["state"] == "error"


def test_a_head_that_moves_at_the_moment_of_the_merge(hub: GitHubWorld) -> None:
    judge(hub)

    def pushed_first(call: Call) -> Reply:
        if call.method == "PUT":
            hub.commit("idea", "prompt.txt", BETTER + "Really.\n")
        return hub.stand_in(call)

    hub.hub.api = pushed_first
    main = hub.git("rev-parse", "main")
    ends(hub, "left open")
    assert hub.world.verdict(1).outcome is Outcome.INVALID
    assert "INVALID" in hub.stand_in.pulls[1].comments[0]["body"]
    assert hub.git("rev-parse", "main") == main


def test_a_base_that_moved_with_a_conflict(hub: GitHubWorld) -> None:
    judge(hub)
    before = hub.git("show", "main:prompt.txt")
    hub.commit("main", "prompt.txt", OTHER)
    for _ in range(2):
        stops(run(hub, "Iteration"), "YES, but #1", "'idea' conflicts with 'main'")
    assert hub.stand_in.pulls[1].labels == ["prompt-lab: conflict"]
    assert hub.stand_in.pulls[1].state == "open"
    hub.stand_in.pulls[1].labels.append("theirs")
    hub.commit("main", "prompt.txt", before + "\n")
    ends(hub, "merged")
    assert hub.stand_in.pulls[1].labels == ["theirs"]


def test_a_main_that_moved_under_what_was_measured(hub: GitHubWorld) -> None:
    judge(hub)
    theirs = hub.commit("main", "schema.json", hub.git("show", "main:schema.json") + "\n\n")
    ends(hub, "left open")
    verdict = hub.world.verdict(1)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reasons[0].code is Code.BASE_MOVED
    assert hub.stand_in.pulls[1].labels == ["prompt-lab: invalid"]
    assert hub.git("rev-parse", "main") == theirs
    assert run(hub, "Iteration", "--branch", "idea").code != 0
    assert not hub.world.folder(2).exists()


@pytest.mark.parametrize(
    ("how", "action"),
    [("closed", "closed by another user"), ("merged", "merged by another user")],
)
def test_a_pull_request_that_somebody_else_ended(hub: GitHubWorld, how: str, action: str) -> None:
    hub.world.branch("other", {"prompt.txt": OTHER})
    judge(hub, "--branch", "idea" if how == "closed" else "other")
    hub.stand_in.pulls.end(hub.stand_in.pulls[1], how, hub.git("rev-parse", "main"))
    main = hub.git("rev-parse", "main")
    ends(hub, action)
    assert hub.git("rev-parse", "main") == main


def test_a_yes_that_somebody_merged_first_is_merged(hub: GitHubWorld) -> None:
    judge(hub)
    path = f"/repos/{hub.name}/pulls/1/merge"
    by_hand = {"commit_title": "By hand", "commit_message": ""}
    assert ask(hub.hub.port, "PUT", path, by_hand, TOKEN).status == 200
    ends(hub, "merged")
    assert hub.world.git("log", "-1", "--format=%s", "main") == "By hand"
