"""What the owner of the stand-in's repository has set."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Rules:
    """Rules of the repository, and how it answers."""

    reviews: int = 0
    required_status: str = ""
    has_statuses: bool = True
    thinks_first: bool = False
    """Whether it takes a second look until it is known that a pull request can be merged."""

    def forbid(self, head: str, statuses: Sequence[dict[str, str]]) -> str:
        """Why that head may not be merged, in GitHub's words; '' where it may."""
        name = self.required_status
        newest = [s["state"] for s in statuses if (s["sha"], s["context"]) == (head, name)]
        if name and newest[-1:] != ["success"]:
            return f'Required status check "{name}" is expected.'
        if self.reviews:
            return f"At least {self.reviews} approving review is required by reviewers."
        return ""
