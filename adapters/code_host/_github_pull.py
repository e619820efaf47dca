"""A pull request as PyGithub has it, in our words."""

from dataclasses import dataclass

from github import GithubException, UnknownObjectException
from github.Commit import Commit
from github.PullRequest import PullRequest
from github.Repository import Repository

from adapters.code_host._github_calls import NotYet, error_text
from prompt_lab.errors import CodeHostError, HeadMoved, MergeConflict, MergeRefused, PullEnded
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import Pull


def state(pull: PullRequest) -> PullState:
    """Its state, from what a list of pull requests has of it too."""
    if pull.merged_at is not None:
        return PullState.MERGED
    return PullState.OPEN if pull.state == "open" else PullState.CLOSED


def is_merged(pull: PullRequest, head: str) -> bool:
    """Whether it was merged with that commit as its head."""
    return pull.merged_at is not None and pull.head.sha == head


def head_moved_error(pull: PullRequest, head: str) -> HeadMoved:
    """Its head is not the commit that was tested."""
    return HeadMoved(
        f"{pull.html_url} stands at {pull.head.sha!r}, but {head!r} was tested: the head has"
        f" moved, so #{pull.number} is not merged; test it again"
    )


def conflict(pull: PullRequest) -> MergeConflict:
    """GitHub cannot merge it by itself."""
    return MergeConflict(
        f"{pull.html_url}: the branch {pull.head.ref!r} conflicts with {pull.base.ref!r}: merge"
        f" {pull.base.ref!r} into the branch by hand"
    )


def refusal(now: PullRequest, head: str, error: GithubException) -> CodeHostError:
    """Why it was not merged, by what the pull request is now rather than by GitHub's words."""
    if now.head.sha != head:
        return head_moved_error(now, head)
    if state(now) is not PullState.OPEN:
        return PullEnded(f"{now.html_url} was {state(now).value} by another user meanwhile")
    if now.mergeable is False:
        return conflict(now)
    return MergeRefused(f"{now.html_url}: GitHub will not merge it: {error_text(error)!r}")


def check_mergeable(pull: PullRequest, base: str) -> None:
    """Raises what forbids its merge already: NotYet where GitHub has still to find out."""
    if pull.draft:
        raise draft_error(pull)
    if pull.mergeable is None:
        raise NotYet(f"GitHub does not yet say whether #{pull.number} conflicts with {base!r}")
    if not pull.mergeable:
        raise conflict(pull)


def draft_error(pull: PullRequest) -> CodeHostError:
    """GitHub merges no draft, whatever its verdict."""
    return CodeHostError(
        f"pull request #{pull.number} ({pull.html_url}) is a draft: mark it ready for review there,"
        " and run the same command again"
    )


def to_record(pull: PullRequest) -> Pull:
    """The record of it."""
    stands = state(pull)
    return Pull(
        number=pull.number,
        url=pull.html_url,
        title=pull.title,
        body=pull.body or "",
        branch=pull.head.ref,
        head=pull.head.sha,
        base=pull.base.ref,
        state=stands,
        labels=tuple(label.name for label in pull.labels),
        merged_commit=(pull.merge_commit_sha or "") if stands is PullState.MERGED else "",
    )


LONGEST = 140
_STATES = {
    Outcome.YES: "success",
    Outcome.NO: "failure",
    Outcome.CONDITIONAL: "pending",
    Outcome.INVALID: "error",
}
# None of those but the first lets a required check pass: 'neutral' would.
_CONCLUSIONS = {
    Outcome.YES: "success",
    Outcome.NO: "failure",
    Outcome.CONDITIONAL: "action_required",
    Outcome.INVALID: "cancelled",
}


@dataclass(frozen=True)
class CommitReport:
    """What is said on a commit under a name."""

    name: str
    outcome: Outcome
    text: str

    @property
    def line(self) -> str:
        """The text in the length that a status may have."""
        flat = " ".join(f"{self.outcome.value}: {self.text}".split())
        return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def publish_report(repository: Repository, sha: str, told: CommitReport) -> None:
    """Say it, unless it is what was said last."""
    commit = repository.get_commit(sha)
    try:
        _as_status(commit, told)
    except UnknownObjectException:
        _as_check_run(repository, commit, sha, told)


def _as_status(commit: Commit, told: CommitReport) -> None:
    state = _STATES[told.outcome]
    newest = next((s for s in commit.get_statuses() if s.context == told.name), None)
    if newest is None or (newest.state, newest.description) != (state, told.line):
        commit.create_status(state, description=told.line, context=told.name)


def _as_check_run(repository: Repository, commit: Commit, sha: str, told: CommitReport) -> None:
    runs = [r for r in commit.get_check_runs(check_name=told.name) if r.name == told.name]
    output: dict[str, str | list[dict[str, str | int]]]
    output = {"title": told.outcome.value, "summary": told.line}
    ending = _CONCLUSIONS[told.outcome]
    if not runs:
        repository.create_check_run(
            told.name, sha, status="completed", conclusion=ending, output=output
        )
    elif (runs[0].conclusion, runs[0].output.summary) != (ending, told.line):
        runs[0].edit(status="completed", conclusion=ending, output=output)
