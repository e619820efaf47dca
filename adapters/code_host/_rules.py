"""What holds on every code host before a run starts from a pull request."""

from prompt_lab.errors import CodeHostError, PullEnded
from prompt_lab.names import PullState
from prompt_lab.records import Pull


def check_open(pull: Pull, *, base: str) -> None:
    """Raises PullEnded or CodeHostError with what is wrong: its state, its base, its branch."""
    name = f"pull request #{pull.number} ({pull.url})"
    if pull.state is not PullState.OPEN:
        raise PullEnded(f"{name} is {pull.state.value}, not open: name one that is open")
    if pull.base != base:
        raise CodeHostError(
            f"{name} goes into {pull.base!r}, but changes are judged against {base!r}: change"
            " its base, or 'main' in the target's config"
        )
    if not pull.head:
        raise CodeHostError(f"{name}: its branch {pull.branch!r} is gone")
