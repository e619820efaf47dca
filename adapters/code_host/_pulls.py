"""Pull requests as files: a JSON each, with its comments and its history, and a page of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from prompt_lab.errors import CodeHostError
from prompt_lab.lazy import call_on_use
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record, write_text

if TYPE_CHECKING:
    from prompt_lab.report.pull_page import (
        CommitVerdict,
        PullComment,
        PullEvent,
        PullView,
        render_pull,
    )

call_on_use(
    globals(),
    {"prompt_lab.report.pull_page": "CommitVerdict PullComment PullEvent PullView render_pull"},
)


class Comment(Record):
    """A comment under a key, by which it is found again and edited in place."""

    key: str
    body: str
    created: str
    edited: str = ""


class StoredStatus(Record):
    """How a commit was judged."""

    commit: str
    outcome: Outcome
    text: str


class Event(Record):
    """What happened: opened, commented, edited, labelled, judged, merged or closed."""

    what: str
    when: str
    note: str = ""


class StoredPull(Record):
    """A pull request as its file has it."""

    version: int = VERSION
    number: int
    repository: str
    title: str
    body: str
    branch: str
    base: str
    state: PullState = PullState.OPEN
    head: str = ""
    """The commit that was merged or closed; while it is open, the branch itself says."""
    labels: tuple[str, ...] = ()
    merged_commit: str = ""
    comments: tuple[Comment, ...] = ()
    statuses: tuple[StoredStatus, ...] = ()
    history: tuple[Event, ...] = ()

    def after(self, event: Event, **changes: object) -> "StoredPull":
        """The same pull request with what changed, and the event that changed it."""
        return self.model_copy(update={**changes, "history": (*self.history, event)})


class PullFiles:
    """The folder of pull requests. Writers hold `lock`; readers need not: files are never half."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.lock = root / ".lock"

    def path(self, number: int) -> Path:
        """Where a pull request stands."""
        return self._root / f"{number:04d}.json"

    def page(self, number: int) -> Path:
        """Where its page is."""
        return self.path(number).with_suffix(".html")

    def load(self, number: int) -> StoredPull:
        """Raises CodeHostError where there is none, StoreError where its file is broken."""
        if not self.path(number).is_file():
            raise CodeHostError(f"{self._root}: there is no pull request #{number}")
        return read_record(self.path(number), StoredPull)

    def all(self) -> list[StoredPull]:
        """Every pull request, oldest first."""
        return [self.load(number) for number in self._numbers()]

    def next_number(self) -> int:
        """The number after the last one, also where the last one's file is broken."""
        return max(self._numbers(), default=0) + 1

    def save(self, pull: StoredPull) -> None:
        """Write it to its end or not at all.

        The page comes first: a call that was cut between the two is repeated, and writes both.
        """
        write_text(self.page(pull.number), render_pull(_view_of(pull)))
        write_record(self.path(pull.number), pull)

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self._root.glob("*.json") if path.stem.isdecimal())


def _view_of(pull: StoredPull) -> "PullView":
    """The pull request as its page shows it."""
    return PullView(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        repository=pull.repository,
        branch=pull.branch,
        base=pull.base,
        state=pull.state,
        head=pull.head,
        merged_commit=pull.merged_commit,
        labels=pull.labels,
        comments=tuple(
            PullComment(body=one.body, created=one.created, edited=one.edited)
            for one in pull.comments
        ),
        verdicts=tuple(
            CommitVerdict(commit=one.commit, outcome=one.outcome, text=one.text)
            for one in pull.statuses
        ),
        history=tuple(
            PullEvent(what=one.what, when=one.when, note=one.note) for one in pull.history
        ),
    )
