"""The code host GitHub, on github.com or a server of one's own, through PyGithub."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from github import GithubException, UnknownObjectException
from github.IssueComment import IssueComment
from github.PullRequest import PullRequest
from github.Repository import Repository

from adapters.code_host._github_auth import Access
from adapters.code_host._github_calls import GitHubCalls, NotYet
from adapters.code_host._github_git import Remote
from adapters.code_host._github_pull import (
    CommitReport,
    check_mergeable,
    head_moved_error,
    is_merged,
    publish_report,
    refusal,
    state,
    to_record,
)
from adapters.code_host._merge import LONGEST, add_marker, check_open, unmarked
from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError, PullEnded
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import Pull

LONGEST_TITLE = 250
_REFUSES = (405, 409, 422)


class GitHubHost:
    """ports.CodeHost on GitHub. Nothing is merged or closed before it has a comment of ours.

    What happens is dated by GitHub: `when` is not used. Each call looks before it writes, so
    one that was cut off, or whose answer was lost, may be made again.
    """

    def __init__(
        self,
        config: GitHubConfig,
        repository: Path,
        environ: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._call = GitHubCalls(config, sleep)
        self._access = Access(config, environ, self._call)
        self._git = Remote(config, repository, self._call, self._access.git_environment)

    def refresh(self, base: str) -> None:
        """Fast-forward `base` of the target. Raises CodeHostError where the two have parted."""
        self._access.check_repository()
        self._git.refresh(base)

    def open_pull(self, branch: str, *, base: str, title: str, body: str, when: str) -> Pull:
        """The open pull request of a branch, which is pushed first; opened if there is none.

        One that was merged at the branch's present head is returned as it is.
        """
        self._access.check_repository()
        known = self._find_pull(branch, base)
        if known is not None and known.state is PullState.MERGED:
            return known
        head = self._git.new_on(branch, base)
        self._git.push(branch)

        def opened() -> Pull:
            pull = self._find_pull(branch, base)
            if pull is None:
                pull = to_record(
                    self._repo.create_pull(
                        base, branch, title=title[:LONGEST_TITLE], body=body[:LONGEST]
                    )
                )
            if pull.head != head:
                raise NotYet(f"#{pull.number} does not yet stand at {head[:12]!r}")
            return pull

        return self._call(f"open a pull request for {branch!r}", opened)

    def check_branch(self, branch: str, *, base: str) -> None:
        """Raises what open_pull and verify would say of the branch; nothing is pushed."""
        self._access.check_repository()
        known = self._find_pull(branch, base)
        if known is not None:
            check_open(known, base=base)
        self._git.new_on(branch, base)

    def get(self, number: int) -> Pull:
        """Raises CodeHostError where there is none."""
        return self._call(f"read pull request #{number}", lambda: to_record(self._pull(number)))

    def verify(self, number: int, *, base: str) -> Pull:
        """The pull request, open, into `base`, without a conflict; else see ports.CodeHost."""

        def checked() -> Pull:
            pull = self._pull(number)
            check_open(to_record(pull), base=base)
            check_mergeable(pull, base)
            return to_record(pull)

        self._access.check_repository()
        found = self._call(f"verify pull request #{number}", checked)
        self._git.bring(number, found.head)
        return found

    def comment(self, number: int, *, key: str, body: str, when: str) -> str:
        """Write a comment, or edit the one of ours with the same key. Returns its id."""
        text = add_marker(body, key)

        def written() -> str:
            pull = self._pull(number)
            for comment in self._ours(pull):
                if (unmarked(comment.body) or ("",))[0] == key:
                    if unmarked(comment.body) != unmarked(text):
                        comment.edit(text)
                    return str(comment.id)
            return str(pull.create_issue_comment(text).id)

        return self._call(f"comment on #{number}", written)

    def comments(self, number: int) -> dict[str, str]:
        """key -> body of our own comments, oldest first."""

        def read() -> dict[str, str]:
            found: dict[str, str] = {}
            for comment in self._ours(self._pull(number)):
                pair = unmarked(comment.body)
                if pair is not None:
                    found.setdefault(*pair)
            return found

        return self._call(f"read the comments of #{number}", read)

    def label(self, number: int, label: str, *, when: str) -> None:
        """Add a label, which GitHub makes if the repository has none of that name."""
        self._call(f"label #{number}", lambda: self._pull(number).add_to_labels(label))

    def unlabel(self, number: int, label: str, *, when: str) -> None:
        """Take a label off, if it is there; the repository keeps it."""

        def taken_off() -> None:
            pull = self._pull(number)
            if label in to_record(pull).labels:
                with suppress(UnknownObjectException):  # another process was quicker
                    pull.remove_from_labels(label)

        self._call(f"take a label off #{number}", taken_off)

    def status(self, number: int, *, commit: str, outcome: Outcome, text: str, when: str) -> None:
        """The verdict as a commit status; as a check run where the server has no statuses."""
        if self._config.status:
            report = CommitReport(self._config.status, outcome, text)
            self._call(
                f"set the status {report.name!r} on {commit[:12]!r}",
                partial(publish_report, self._repo, commit, report),
            )

    def merge(self, number: int, *, expected_head: str, message: str, when: str) -> str:
        """Merge at that head alone; `base` of the target is then moved on to it."""

        def merged() -> Pull:
            pull = self._pull(number)
            if not is_merged(pull, expected_head):
                self._check_may_end(pull)
                self._merge(pull, expected_head, message)
                pull = self._pull(number)
            if not is_merged(pull, expected_head):
                raise NotYet(f"{pull.html_url} was merged, but GitHub does not yet say so")
            return to_record(pull)

        done = self._call(f"merge #{number}", merged)
        self._git.refresh(done.base, having=done.merged_commit)
        return done.merged_commit

    def close(self, number: int, *, when: str) -> None:
        """Close without merging. Raises PullEnded if it is merged; it must have a comment."""

        def closed() -> None:
            pull = self._pull(number)
            if state(pull) is not PullState.CLOSED:
                self._check_may_end(pull)
                pull.edit(state="closed")

        self._call(f"close #{number}", closed)

    @property
    def _repo(self) -> Repository:
        return self._access.client.get_repo(self._config.repository)

    def _pull(self, number: int) -> PullRequest:
        pull = self._repo.get_pull(number)
        try:
            pull.complete()
        except GithubException as error:
            if error.status != 404:
                raise
            raise CodeHostError(
                f"{self._config.repository}: there is no pull request #{number}, or the token"
                " may not see it"
            ) from error
        return pull

    def _find_pull(self, branch: str, base: str) -> Pull | None:
        """The open pull request of a branch, or the one merged at its head; newest first."""

        def found() -> Pull | None:
            head = f"{self._config.owner}:{branch}"
            for pull in self._repo.get_pulls(state="all", head=head, base=base):
                if state(pull) is PullState.OPEN or is_merged(pull, self._git.head(branch)):
                    return to_record(pull)
            return None

        return self._call(f"look for a pull request of {branch!r}", found)

    def _ours(self, pull: PullRequest) -> list[IssueComment]:
        """Comments by us. Anybody may write our mark into one of theirs."""
        login = self._access.login
        found = [(comment, comment.user) for comment in pull.get_issue_comments()]
        there = [(comment, user) for comment, user in found if user is not None]  # or it is gone
        if login is None:
            return [comment for comment, user in there if user.type == "Bot"]
        return [comment for comment, user in there if user.login == login]

    def _check_may_end(self, pull: PullRequest) -> None:
        if state(pull) is not PullState.OPEN:
            raise PullEnded(f"{pull.html_url} is {state(pull).value} already, at {pull.head.sha!r}")
        if not any(unmarked(comment.body) for comment in self._ours(pull)):
            raise CodeHostError(
                f"{pull.html_url} has no comment: the verdict is written on it first"
            )

    def _merge(self, pull: PullRequest, head: str, message: str) -> None:
        if pull.head.sha != head:
            raise head_moved_error(pull, head)
        title, _, rest = message.partition("\n")
        try:
            pull.merge(rest.strip(), title, self._config.merge_method, sha=head)
        except GithubException as error:
            if error.status not in _REFUSES:
                raise
            raise refusal(self._pull(pull.number), head, error) from error
