"""Commits on their way between the target and GitHub. Only `base` of the target ever moves."""

from collections.abc import Callable, Mapping
from pathlib import Path

from adapters.code_host._github_calls import AGAIN, GitHubCalls, NotYet, Transport
from adapters.code_host._merge import advance, contains
from adapters.git import Git, branch_head
from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError


class Remote:
    """The target's repository and the one on GitHub. Nothing is ever forced."""

    def __init__(
        self,
        config: GitHubConfig,
        repository: Path,
        calls: GitHubCalls,
        environment: Callable[[], Mapping[str, str]],
    ) -> None:
        self._remote = config.git_remote
        self._calls = calls
        self._environment = environment
        self._git = Git(repository, ours=False, raises=CodeHostError)
        self._far = Git(repository, ours=False, raises=Transport)

    def head(self, branch: str) -> str:
        """Where a branch of the target stands. Raises CodeHostError where there is none."""
        head = branch_head(self._git, branch)
        if head is None:
            raise CodeHostError(f"{self._git.folder}: there is no branch {branch!r}")
        return head

    def new_on(self, branch: str, base: str) -> str:
        """The branch's head. Raises CodeHostError where it has no commit that `base` lacks."""
        head = self.head(branch)
        if contains(self._git, self.head(base), head):
            raise CodeHostError(
                f"{self._git.folder}: branch {branch!r} has no commit that {base!r} lacks:"
                " commit the change there first"
            )
        return head

    def push(self, branch: str) -> None:
        """Make the branch stand on GitHub where it stands here."""
        ref = f"refs/heads/{branch}"
        if self._run("push", "-q", "--no-verify", self._remote, f"{ref}:{ref}") is None:
            stands = (self._run("ls-remote", self._remote, ref) or "").partition("\t")[0]
            there = f"stands there at {stands[:12]!r}" if stands else "is not there"
            raise CodeHostError(
                f"{self._git.folder}: branch {branch!r} cannot be pushed to {self._remote}: it"
                f" {there}, here at {self.head(branch)[:12]!r}. Fetch and merge its new commits, "
                "or find the rule of the repository that forbids the push"
            )

    def refresh(self, base: str, having: str = "") -> None:
        """Fast-forward `base` of the target to what GitHub has, once that holds `having`."""

        def fetched() -> str:
            new = self._fetch(f"refs/heads/{base}", f"refs/prompt-lab/{base}")
            if having and not (self._holds(having) and contains(self._git, new, having)):
                raise NotYet(f"{self._remote}: {base!r} does not yet have {having[:12]!r}")
            return new

        new = self._calls(f"fetch {base!r}", fetched)
        old = self.head(base)
        if new == old:
            return
        if not contains(self._git, new, old):
            raise CodeHostError(
                f"{self._git.folder}: {base!r} has commits that {self._remote} lacks: push them,"
                f" or remove them from {base!r}"
            )
        advance(self._git, base, old=old, new=new)

    def bring(self, number: int, head: str) -> None:
        """Have the head of a pull request among the target's commits, under no branch."""
        if self._holds(head):
            return
        came = self._fetch(f"refs/pull/{number}/head", f"refs/prompt-lab/pull/{number}")
        if came != head:
            raise Transport(f"pull request #{number} moved to {came[:12]!r} meanwhile")

    def _holds(self, commit: str) -> bool:
        return self._git.ask("rev-parse", "-q", "--verify", f"{commit}^{{commit}}") is not None

    def _fetch(self, there: str, here: str) -> str:
        done = self._run(
            "fetch", "-q", "--no-tags", "--no-write-fetch-head", self._remote, f"+{there}:{here}"
        )
        if done is None:
            raise CodeHostError(f"{self._remote}: {there!r} cannot be fetched from there")
        return self._git("rev-parse", here)

    def _run(self, command: str, *args: str) -> str | None:
        """What git prints; None where the remote refuses, which trying again does not change."""
        try:
            return self._calls(
                f"run 'git {command}'",
                lambda: self._far.ask(command, *args, env=self._environment()),
            )
        except Transport as error:
            raise CodeHostError(
                f"{error}. Check the network, the token's rights and 'remote' (docs/github.md)."
                f" {AGAIN}"
            ) from error
