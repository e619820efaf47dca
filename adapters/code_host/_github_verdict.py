"""The verdict on a commit: as a commit status, or as a check run where there are no statuses."""

from dataclasses import dataclass

from github import UnknownObjectException
from github.Commit import Commit
from github.Repository import Repository

from prompt_lab.names import Outcome

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
