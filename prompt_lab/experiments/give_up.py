"""GiveUp: end an iteration that cannot continue, without a verdict."""

from dataclasses import dataclass
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.decide.verdict import Verdict
from prompt_lab.errors import LabError, StoreError
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.names import Outcome, PullState
from prompt_lab.ports import CodeHost
from prompt_lab.records import Change
from prompt_lab.report.comment import escape
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, write_record, write_text
from prompt_lab.store.given_up import GIVEN_UP, GivenUp, read_given_up
from prompt_lab.store.iterations import SUMMARY, IterationMeta, is_ours, read_meta

NO_REASON = "No reason was given."


@dataclass(frozen=True)
class IterationEnd:
    """End an open iteration without a verdict. Writes given_up.json and summary.txt.

    Its trial counts in the error budget. A pull request of our own is closed with a comment; one
    that others opened gets the comment and stays open.
    """

    context: LabContext
    number: int
    reason: str

    @property
    def folder(self) -> Path:
        """The iteration's folder in analysis/. Raises StoreError where there is no such one."""
        known = iterations(self.context.lab)
        if self.number not in known:
            fault = (
                f"there is no iteration {self.number}" if self.number else "no iteration is named"
            )
            raise StoreError(
                f"{self.context.lab.analysis}: {fault}: give --number, the open iteration that is "
                "to be given up"
            )
        return self.context.lab.iteration(self.number, known[self.number])

    def run(self) -> str:
        """Record it, report it on the pull request, then summary, ledger and commit.

        Everything may be repeated. Returns the summary.
        """
        folder = self.folder
        record = read_given_up(folder)
        if record is None:
            record = self._start(folder)
            write_record(folder / GIVEN_UP, record)
        if record.pull is not None and (record.fault or not record.action):
            record = self._report_on_pull(folder, record)
            write_record(folder / GIVEN_UP, record)
        text = _render(record, folder, " ".join(self.reason.split()))
        write_text(folder / SUMMARY, text)
        write_ledger(self.context)
        message = f"Give up iteration {self.number}: {record.reason}"
        commit_lab(self.context, message, when=record.when, number=self.number)
        return text

    def _start(self, folder: Path) -> GivenUp:
        """The record of an iteration that may be given up. Raises StoreError for any other."""
        if not is_ours(folder):
            raise StoreError(f"{folder}: was made by another tool, and is only read")
        if (folder / "conclusion.json").exists() or (folder / SUMMARY).exists():
            raise StoreError(
                f"{folder}: iteration {self.number} is concluded, so it cannot be given up. To see "
                f"how it ended: luigi --module pipeline Iteration --number {self.number}; to take "
                f"a merge back: luigi --module pipeline Revert --number {self.number}"
            )
        meta = read_if_whole(folder / "meta.json", IterationMeta)
        if meta is None:  # says what to do about it
            meta = read_meta(
                self.context.lab, self.number, iterations(self.context.lab)[self.number]
            )
        change = read_if_whole(folder / "change.json", Change)
        pull = change.pull if change else None
        self._check_unmerged(folder, pull)
        return GivenUp(
            iteration=self.number,
            reason=" ".join(self.reason.split()) or NO_REASON,
            when=utc_now(),
            alpha=meta.judged_by.alpha if meta.judged_by else None,
            pull=pull,
        )

    def _check_unmerged(self, folder: Path, pull: int | None) -> None:
        """Raises StoreError if the verdict was YES and the change is already merged."""
        verdict = read_if_whole(folder / "verdict.json", Verdict)
        if pull is None or verdict is None or verdict.outcome is not Outcome.YES:
            return
        if self._host(folder).get(pull).state is PullState.MERGED:
            raise StoreError(
                f"{folder}: the verdict is YES and #{pull} is merged, so iteration {self.number} "
                f"cannot be given up: luigi --module pipeline Iteration --number {self.number} "
                "completes it"
            )

    def _host(self, folder: Path) -> CodeHost:
        step = folder.name.partition("_")[2]
        return self.context.code_host(read_meta(self.context.lab, self.number, step).target)

    def _report_on_pull(self, folder: Path, record: GivenUp) -> GivenUp:
        """Comment on the pull request, and close it if it is ours.

        An error of the host is recorded.
        """
        assert record.pull is not None
        change = read_if_whole(folder / "change.json", Change)
        others = change is None or change.strategy == "given" or change.follow_up_of is not None
        body = (
            f"## Given up\n\n{escape(record.reason)}\n\nIteration {self.number} ended "
            f"{_describe_verdict(folder)}; its trial counts in the error budget.\n"
        )
        try:
            host = self._host(folder)
            key = f"given-up-{self.number}"
            host.comment(record.pull, key=key, body=body, when=record.when)
            state = host.get(record.pull).state
            if state is PullState.OPEN and not others:
                host.close(record.pull, when=record.when)
                state = PullState.CLOSED
        except LabError as error:
            return record.model_copy(update={"fault": str(error)})
        action = "left open" if state is PullState.OPEN else state.value
        return record.model_copy(update={"action": action, "fault": ""})


def _describe_verdict(folder: Path) -> str:
    """What a verdict that was already decided says, which giving up leaves without effect."""
    verdict = read_if_whole(folder / "verdict.json", Verdict)
    if verdict is None:
        return "without a verdict"
    return f"before its verdict {verdict.outcome.value} was acted on"


def _render(record: GivenUp, folder: Path, given: str) -> str:
    """The summary of an iteration that was given up."""
    first = "" if given in ("", record.reason) else " (the first command's reason is kept)"
    lines = [
        f"Iteration {record.iteration}  {folder.name.partition('_')[2]}  given up",
        f"  why       {record.reason}{first}",
    ]
    if record.pull is not None:
        lines.append(f"  PR        #{record.pull} {record.action or 'unchanged'}")
    if record.fault:
        lines.append(f"            not changed: {record.fault}")
        lines.append("            The same command tries again.")
    spent = "" if record.alpha is None else f" of alpha {record.alpha:.3g}"
    lines.append(f"  budget    Its trial{spent} counts. The next command starts a new iteration.")
    return "\n".join(lines) + "\n"
