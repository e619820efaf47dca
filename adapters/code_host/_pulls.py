"""Pull requests as files: one JSON each, with its comments and all that happened to it."""

from pathlib import Path

from prompt_lab.errors import CodeHostError
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record


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
        """Write it to its end or not at all."""
        write_record(self.path(pull.number), pull)

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self._root.glob("*.json") if path.stem.isdecimal())
