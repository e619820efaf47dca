"""A CONDITIONAL verdict on GitHub: it waits there for its fix; the second one answers the first."""

from collections.abc import Callable, Iterator

import pytest

from prompt_lab.names import Outcome
from prompt_lab.propose.sections import CONTRACT
from tests.pipeline.github.github_command import run
from tests.pipeline.github.github_world import BETTER, OTHER, GitHubWorld
from tests.pipeline.world import READS_LOOSELY, READS_WELL, World, scripted

pytestmark = pytest.mark.slow


@pytest.fixture
def conditional(make_world: Callable[..., World]) -> Iterator[GitHubWorld]:
    """A hub with a pull request whose verdict was CONDITIONAL."""
    models = {"exact": scripted(READS_WELL), "loose": scripted(READS_LOOSELY)}
    with GitHubWorld(make_world(models=models)) as hub:
        hub.world.branch("idea", {"prompt.txt": BETTER})
        assert run(hub, "Iteration", "--branch", "idea").code == 0
        assert hub.world.verdict(1).outcome is Outcome.CONDITIONAL
        yield hub


def test_it_waits_with_its_label_and_says_what_would_settle_it(conditional: GitHubWorld) -> None:
    hub = conditional
    pull, [comment] = hub.ask("/pulls/1"), hub.ask("/issues/1/comments")
    assert (pull["state"], hub.verdicts(pull["head"]["sha"])) == ("open", ["pending"])
    assert [label["name"] for label in pull["labels"]] == ["prompt-lab: conditional"]
    assert " CONDITIONAL\n" in comment["body"]
    assert "What would settle it: State the form of the answer" in comment["body"]
    assert hub.git("rev-parse", "main") == hub.world.git("rev-parse", "main")
    assert CONTRACT not in hub.git("show", "main:prompt.txt")


def test_its_follow_up_is_on_the_same_pull_request_and_refers_to_it(
    conditional: GitHubWorld,
) -> None:
    hub, first = conditional, conditional.git("rev-parse", "idea")
    assert run(hub, "Iteration", "--follow-up", "1").code == 0
    assert hub.world.verdict(2).outcome is Outcome.YES
    [pull] = hub.ask("/pulls?state=all")
    fixed = pull["head"]["sha"]
    assert hub.git("rev-parse", f"{fixed}~1") == first
    assert (pull["merged"], pull["labels"]) == (True, [])
    asked, answered = (comment["body"] for comment in hub.ask("/issues/1/comments"))
    assert " CONDITIONAL\n" in asked
    assert " YES\n" in answered
    assert "A follow-up of iteration 1" in answered
    assert (hub.verdicts(first), hub.verdicts(fixed)) == (["pending"], ["success"])
    assert CONTRACT in hub.git("show", "main:prompt.txt")


def test_one_that_somebody_else_fixes_there_is_a_follow_up_too(conditional: GitHubWorld) -> None:
    hub = conditional
    theirs = hub.commit("idea", "prompt.txt", BETTER.replace("Extract", f"{CONTRACT} Extract"))
    assert run(hub, "Iteration", "--follow-up", "1").code == 0
    assert hub.world.record(2, "change")["commit"] == theirs
    assert (hub.world.verdict(2).outcome, hub.world.verdict(2).follow_up_of) == (Outcome.YES, 1)
    assert hub.ask("/pulls/1")["merged"]
    assert len(hub.ask("/issues/1/comments")) == 2


def test_one_that_is_judged_no_keeps_no_label(conditional: GitHubWorld) -> None:
    hub = conditional
    hub.commit("idea", "prompt.txt", OTHER)
    assert run(hub, "Iteration", "--follow-up", "1").code == 0
    assert hub.world.verdict(2).outcome is Outcome.NO
    pull = hub.ask("/pulls/1")
    assert (pull["state"], pull["merged"], pull["labels"]) == ("closed", False, [])
