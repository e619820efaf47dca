"""Revert: undo a merged change by a new pull request."""

from dataclasses import dataclass
from pathlib import Path

from prompt_lab.agents.publication import escape_line, escape_markdown
from prompt_lab.clock import utc_now
from prompt_lab.errors import CodeHostError, NoSuchCommit, StoreError, TargetError
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.names import PullState
from prompt_lab.ports import CodeHost, Workspace
from prompt_lab.records import Change, Pull
from prompt_lab.report.comment import escape
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.iterations import (
    REVERTED,
    Conclusion,
    IterationMeta,
    Reverted,
    is_ours,
    made_again,
    read_change,
    read_meta,
)

NO_REASON = "No reason was given."


@dataclass(frozen=True)
class MergeRevert:
    """Revert what an iteration merged, by a new pull request. Writes reverted.json."""

    context: LabContext
    number: int
    reason: str
    leave_open: bool = False

    @property
    def step(self) -> str:
        """The iteration's step. Raises StoreError where there is no such iteration."""
        known = iterations(self.context.lab)
        if self.number not in known:
            raise StoreError(
                f"{self.context.lab.analysis}: there is no iteration {self.number}: give "
                "--number, the merged iteration that is to be reverted"
            )
        return known[self.number]

    @property
    def folder(self) -> Path:
        """The iteration's folder in analysis/."""
        return self.context.lab.iteration(self.number, self.step)

    def check(self) -> None:
        """Raises StoreError if the iteration does not exist, or is not ours."""
        self._meta()

    def run(self) -> str:
        """Revert, write the ledger, commit the lab; each may be repeated. Returns the summary."""
        meta = self._meta()
        change = read_change(self.context.lab, self.number, self.step)
        record = self._taken_back(meta, change)
        write_ledger(self.context)
        message = f"{_title(change)} (iteration {self.number})"
        commit_lab(self.context, message, when=record.when, number=self.number)
        return _render_report(self.number, change, record, self.reason.strip())

    def _meta(self) -> IterationMeta:
        """The iteration that is to be reverted. Raises StoreError if it is not ours."""
        folder = self.folder
        if not is_ours(folder):
            raise StoreError(f"{folder}: made by another tool; revert it in the target itself")
        if is_given_up(folder):
            raise StoreError(
                f"{folder}: iteration {self.number} was given up, so there is no merge to revert"
            )
        return read_meta(self.context.lab, self.number, self.step)

    def _taken_back(self, meta: IterationMeta, change: Change) -> Reverted:
        """Branch, pull request, comments on both, merge. Skips what an earlier call has done."""
        host = self.context.code_host(meta.target)
        record = self._commit_revert(meta, change, host)
        if record.merged_commit:
            return record
        title, body = _title(change), _body(self.number, change, record.reason)
        pull = host.open_pull(
            record.branch, base=meta.main, title=title, body=body, when=record.when
        )
        self._comment(host, change, pull, record)
        record = record.model_copy(update={"pull": pull.number, "pull_url": pull.url})
        write_record(self.folder / REVERTED, record)
        if self.leave_open and pull.state is not PullState.MERGED:
            return record
        merged = host.merge(
            pull.number,
            expected_head=record.commit,
            message=f"Merge #{pull.number}: {title}",
            when=record.when,
        )
        record = record.model_copy(update={"merged_commit": merged})
        write_record(self.folder / REVERTED, record)
        return record

    def _commit_revert(self, meta: IterationMeta, change: Change, host: CodeHost) -> Reverted:
        """Create the revert's branch and commit, and record them."""
        known = read_if_whole(self.folder / REVERTED, Reverted)
        if known is not None:
            return known
        path = self.folder / "conclusion.json"
        conclusion = read_record(path, Conclusion, fix=made_again(path))
        merged = conclusion.merged_commit
        if not merged:
            raise TargetError(
                f"Iteration {self.number} was not merged: its verdict was {conclusion.outcome}."
            )
        _check_merged(host, change)
        host.refresh(meta.main)
        workspace = self.context.workspace(meta.target)
        workspace.check()
        branch = f"prompt-lab/revert-{self.number}"
        base, reason = self._begins(workspace, meta, change, branch)
        try:
            commit = workspace.revert(
                base,
                branch,
                merged,
                # A branch that was fast-forwarded into main by hand has no merge commit.
                since=change.base_commit if merged == change.commit else "",
                message=f"{_title(change)}\n\n{reason}\n",
                when=conclusion.when,
            )
        except TargetError as error:
            raise TargetError(f"Iteration {self.number}, #{change.pull}: {error}.") from error
        record = Reverted(
            iteration=self.number,
            reason=reason,
            branch=branch,
            commit=commit,
            after=max(iterations(self.context.lab)),
            when=utc_now(),
        )
        write_record(self.folder / REVERTED, record)
        return record

    def _begins(
        self, workspace: Workspace, meta: IterationMeta, change: Change, branch: str
    ) -> tuple[str, str]:
        """The commit that it stands on, and why; those of our own branch where one was cut off."""
        main, begins = workspace.resolve(meta.main), f"{_title(change)}\n\n"
        try:
            head = workspace.resolve(branch)
        except NoSuchCommit:
            return main, self.reason.strip() or NO_REASON
        message = workspace.message(head)
        if not message.startswith(begins):  # another user's, which is reported
            return main, self.reason.strip() or NO_REASON
        return workspace.resolve(f"{head}^"), message.removeprefix(begins).strip()

    def _comment(self, host: CodeHost, change: Change, pull: Pull, record: Reverted) -> None:
        """Comment on each pull request with a link to the other, before merging."""
        key, reason = f"revert-{self.number}", escape(record.reason)
        body = f"## Revert of #{change.pull}\n\n{reason}\n\nIt was iteration {self.number}.\n"
        host.comment(pull.number, key=key, body=body, when=record.when)
        if change.pull is not None:
            body = f"## Reverted by #{pull.number}\n\n{reason}\n"
            host.comment(change.pull, key=key, body=body, when=record.when)


def _title(change: Change) -> str:
    return f"Revert #{change.pull}: {escape_line(change.title)}"


def _check_merged(host: CodeHost, change: Change) -> None:
    """Raises CodeHostError if the pull request does not exist or has another branch."""
    if change.pull is None:
        return
    pull = host.get(change.pull)
    if pull.branch != change.branch:
        raise CodeHostError(
            f"#{pull.number} is a pull request of branch {pull.branch!r}, not of {change.branch!r},"
            " which is to be reverted: restore the pull requests as they were"
        )


def _body(number: int, change: Change, reason: str) -> str:
    return (
        f"Reverts #{change.pull}, which iteration {number} merged.\n\n{escape_markdown(reason)}\n\n"
        f"Title of the change: {escape_line(change.title)}\n"
    )


def _render_report(number: int, change: Change, record: Reverted, given: str) -> str:
    state = "merged" if record.merged_commit else "open, to be merged by its reviewers"
    first = "" if given in ("", record.reason) else " (the first command's reason is kept)"
    return (
        f"Iteration {number} is reverted: #{record.pull} reverts #{change.pull}, {state}."
        f"\n  why       {record.reason}{first}\n  PR        {record.pull_url}"
    )
