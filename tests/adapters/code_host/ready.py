"""Pull requests of a world on GitHub, as far as a test needs them."""

from adapters.code_host.github import GitHubHost
from prompt_lab.records import Pull
from tests.adapters.code_host.worlds import GitHubWorld
from tests.adapters.workspace.target import WHEN


def opened(world: GitHubWorld) -> Pull:
    """Of a branch 'topic' with a change."""
    world.branch("topic", {"prompts/extract.txt": "New.\n"})
    return world.host.open_pull("topic", base="main", title="Try", body="Why.", when=WHEN)


def ready(world: GitHubWorld) -> Pull:
    """Opened, and with its comment."""
    pull = opened(world)
    commented(world.host, pull)
    return pull


def commented(host: GitHubHost, pull: Pull, body: str = "YES") -> str:
    """The comment's id."""
    return host.comment(pull.number, key="verdict", body=body, when=WHEN)


def merged(host: GitHubHost, pull: Pull) -> str:
    """The merge commit."""
    return host.merge(pull.number, expected_head=pull.head, message="Merge it", when=WHEN)
