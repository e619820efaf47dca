"""Pull requests of a world, as far as a test needs them."""

from prompt_lab.ports import CodeHost
from prompt_lab.records import Pull
from tests.adapters.code_host.worlds import World
from tests.adapters.workspace.target import WHEN

PROMPT = "prompts/extract.txt"
LATER = "2026-03-05T00:00:00Z"


def opened(world: World, branch: str = "topic") -> Pull:
    """Of a branch with a change."""
    world.branch(branch, {PROMPT: "New.\n"})
    return world.host.open_pull(branch, base="main", title="Try", body="Why.", when=WHEN)


def ready(world: World, branch: str = "topic") -> Pull:
    """Opened, and with its comment."""
    pull = opened(world, branch)
    commented(world.host, pull)
    return pull


def commented(host: CodeHost, pull: Pull, body: str = "YES") -> str:
    """The comment's id."""
    return host.comment(pull.number, key="verdict", body=body, when=WHEN)


def merged(host: CodeHost, pull: Pull, when: str = WHEN) -> str:
    """The merge commit."""
    return host.merge(pull.number, expected_head=pull.head, message="Merge it", when=when)
