"""The pull requests of the stand-in, and what happened to them in its order."""

from dataclasses import dataclass, field
from typing import Any

from adapters.git import Git, branch_head


@dataclass
class StoredPull:
    """One pull request. `ended` is '', 'closed' or 'merged'; `kept` its head when it ended."""

    number: int
    title: str
    body: str
    branch: str
    base: str
    ended: str = ""
    kept: str = ""
    merged: str = ""
    looked_at: str = ""
    labels: list[str] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> str:
        return "closed" if self.ended else "open"


class Pulls:
    """All of them. `events` tells what happened: (what, number)."""

    def __init__(self, git: Git, repository: str) -> None:
        self.all: list[StoredPull] = []
        self.events: list[tuple[str, int]] = []
        self._git = git
        self._repository = repository

    def __getitem__(self, number: int) -> StoredPull:
        return {pull.number: pull for pull in self.all}[number]

    def add(self, title: str, body: str, branch: str, base: str) -> StoredPull:
        pull = StoredPull(len(self.all) + 1, title, body, branch, base)
        self.all.append(pull)
        self.events.append(("opened", pull.number))
        return pull

    def comment(self, number: int, login: str, body: str) -> dict[str, Any]:
        comments = self[number].comments
        user = {"login": login, "type": "User"}
        path = f"/repos/{self._repository}/issues/comments/{100 * number + len(comments)}"
        comments.append(
            {"id": int(path.rpartition("/")[2]), "url": path, "body": body, "user": user}
        )
        self.events.append(("commented", number))
        return comments[-1]

    def head(self, pull: StoredPull) -> str:
        """Its head, which it keeps under refs/pull, as anybody may fetch it."""
        head = pull.kept or branch_head(self._git, pull.branch) or ""
        if head:
            self._git("update-ref", f"refs/pull/{pull.number}/head", head)
        return head

    def end(self, pull: StoredPull, how: str, merged: str = "") -> None:
        pull.kept, pull.ended, pull.merged = self.head(pull), how, merged
        self.events.append((how, pull.number))

    def shown(self, pull: StoredPull) -> dict[str, Any]:
        path = f"/repos/{self._repository}/pulls/{pull.number}"
        return {
            "number": pull.number,
            "url": path,
            "issue_url": path.replace("/pulls/", "/issues/"),
            "html_url": f"http://localhost/{self._repository}/pull/{pull.number}",
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "merged": pull.ended == "merged",
            "merged_at": "2026-03-04T05:06:07Z" if pull.ended == "merged" else None,
            "merge_commit_sha": pull.merged or None,
            "labels": [{"name": name} for name in pull.labels],
            "head": {"ref": pull.branch, "sha": self.head(pull)},
            "base": {"ref": pull.base},
        }
