"""The loop on GitHub: what anybody who asks the server finds there when it has stopped."""

from collections.abc import Callable

import pytest

from tests.pipeline.github.github_command import run
from tests.pipeline.github.github_world import GitHubWorld
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
ENDS = {"merged": ("PUT", "/pulls/{}/merge"), "closed": ("PATCH", "/pulls/{}")}


@pytest.mark.parametrize("kind", ["github", "emulate"])
def test_three_iterations_of_a_loop_are_there_when_asked_for(
    make_world: Callable[..., World], request: pytest.FixtureRequest, kind: str
) -> None:
    emulator = request.getfixturevalue("emulator") if kind == "emulate" else None
    world = make_world(train=6, verify=6, policy={"verify": "if_given"})
    first = world.git("rev-parse", "main")
    with GitHubWorld(world, emulator) as hub:
        said = run(hub, "Loop", "--iterations", "3")
        assert said.code == 0, said.err
        calls = list(hub.hub.calls)
        pulls = [hub.ask(f"/pulls/{number}") for number in (1, 2, 3)]
        comments = [hub.ask(f"/issues/{number}/comments") for number in (1, 2, 3)]
        verdicts = [hub.verdicts(pull["head"]["sha"]) for pull in pulls]
        everything = hub.ask("/pulls?state=all")
        main = hub.git("log", "-1", "--format=%H %P", "main").split()
    assert "1 YES, 1 NO, 1 CONDITIONAL" in said.out
    assert len(everything) == 3
    stands = ["merged" if pull["merged"] else pull["state"] for pull in pulls]
    assert stands == ["merged", "closed", "open"]
    for outcome, [comment] in zip(("YES", "NO", "CONDITIONAL"), comments, strict=True):
        assert f" {outcome}\n" in comment["body"]
    for number in (1, 2):
        method, path = ENDS[stands[number - 1]]
        end = calls.index(f"{method} /repos/{hub.name}{path.format(number)}")
        assert calls.index(f"POST /repos/{hub.name}/issues/{number}/comments") < end
    labels = [[label["name"] for label in pull["labels"]] for pull in pulls]
    assert labels == [[], [], ["prompt-lab: conditional"]]
    last = "pending" if emulator is None else "action_required"
    assert verdicts == [["success"], ["failure"], [last]]
    assert main == [pulls[0]["merge_commit_sha"], first, pulls[0]["head"]["sha"]]
    assert world.git("rev-parse", "main") == main[0]
    assert world.record(2, "change")["base_commit"] == main[0]
