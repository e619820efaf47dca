"""Commands on a world on GitHub, as a person with a key gives them."""

from tests.adapters.code_host.hub.emulator import TOKEN
from tests.pipeline.github.github_world import GitHubWorld
from tests.pipeline.terminal import STOPPED, Said, luigi

KEY = {"GITHUB_TOKEN": TOKEN}
TASK = 30


def run(hub: GitHubWorld, *args: str, **env: str) -> Said:
    """A command, with the key."""
    return luigi(hub.world, *args, env={**KEY, **env})


def stops(said: Said, *words: str) -> None:
    """It ended in one message, with these words and without the key."""
    assert said.code == TASK, said.err
    assert "Traceback" not in said.err + said.out
    told = said.err.partition(STOPPED)[2]
    for word in words:
        assert word in told
    assert TOKEN not in said.err + said.out


def ends(hub: GitHubWorld, action: str) -> None:
    """The iteration ends so, with one pull request and one comment."""
    said = run(hub, "Iteration")
    assert said.code == 0, said.err
    assert hub.world.record(1, "conclusion")["action"] == action
    assert len(hub.stand_in.pulls.all) == 1
    assert len(hub.stand_in.pulls[1].comments) == 1


def judge(hub: GitHubWorld, *flags: str) -> None:
    """Go on until the verdict is known."""
    said = run(hub, "Verdict", *(flags or ("--branch", "idea")))
    assert said.code == 0, said.err
