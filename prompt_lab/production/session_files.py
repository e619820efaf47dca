"""lab/reviews: the sessions' folders, the journal of replies and the outbox.

The file of a session is what counts; its row in the database is a copy that may be written again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from pydantic import Field, ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.records import Record
from prompt_lab.reviews import ReviewSession
from prompt_lab.store.files import append_row, disk_errors, read_record, read_rows, write_record

SESSION = "session.json"
MESSAGE = "message.txt"
REPLIES = "replies.jsonl"
OUTBOX = "outbox.jsonl"
_FOLDER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_([0-9]+)")


class ReplyRow(Record):
    """One row of replies.jsonl. A reply has one row for each time that it was begun."""

    version: int = 1
    state: Literal["received", "answered"]
    id: str
    person: str = ""
    door: str = ""
    text: str = ""
    when: str = ""
    session_id: str = ""
    action: str = ""
    answer: str = ""
    is_refused: bool = False


class OutboxRow(Record):
    """One row of outbox.jsonl; of a key, the last row counts. Written before and after a send."""

    version: int = 1
    state: Literal["sending", "sent", "failed"]
    key: str = Field(description="what is sent once, such as 'review 2026-02-26'")
    session_id: str = ""
    shown_sha256: str = Field(default="", description="content_sha256 of what the message shows")
    text: str = ""
    quoted: str = ""
    message_id: str = Field(default="", description="the chat's, once it is sent")
    when: str = ""
    reason: str = ""


class SessionFiles:
    """The files of all reviews; `root` is lab/reviews."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes and threads from answering, deploying and sending meanwhile."""
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            yield

    def list_folders(self) -> list[Path]:
        """The folders of all sessions, newest first."""
        if not self.root.is_dir():
            return []
        found = [(_FOLDER.fullmatch(path.name), path) for path in self.root.iterdir()]
        keyed = [((match[1], int(match[2])), path) for match, path in found if match]
        return [path for _, path in sorted(keyed, reverse=True)]

    def find_folder(self, session_id: str) -> Path | None:
        """The folder of a session."""
        for folder in self.list_folders():
            path = folder / SESSION
            if path.exists() and _read_session(path).id == session_id:
                return folder
        return None

    def claim_folder(self, date: str) -> Path:
        """Make a new folder <date>_<n>, which no other process has."""
        number = 1
        while True:
            folder = self.root / f"{date}_{number}"
            with disk_errors(folder):
                try:
                    folder.mkdir(parents=True)
                except FileExistsError:
                    number += 1
                else:
                    return folder

    def write(self, session: ReviewSession, folder: Path | None = None) -> Path:
        """Write a session, or write it again; its folder is made where it has none."""
        folder = folder or self.find_folder(session.id)
        folder = folder or self.claim_folder(session.created_at[:10])
        write_record(folder / SESSION, session)
        return folder

    def read(self, session_id: str) -> ReviewSession | None:
        """One session."""
        folder = self.find_folder(session_id)
        return _read_session(folder / SESSION) if folder else None

    def list_sessions(self) -> list[ReviewSession]:
        """Newest first. Raises StoreError for a damaged one."""
        paths = [folder / SESSION for folder in self.list_folders()]
        return [_read_session(path) for path in paths if path.exists()]

    def add_reply(self, row: ReplyRow) -> None:
        """Append to the journal of all replies, and to that of the session."""
        data = row.model_dump(mode="json")
        append_row(self.root / REPLIES, data)
        folder = self.find_folder(row.session_id) if row.session_id else None
        if folder:
            append_row(folder / REPLIES, data)

    def read_replies(self, reply_id: str) -> list[ReplyRow]:
        """The rows of one reply, oldest first."""
        rows = _parse_rows(self.root / REPLIES, ReplyRow)
        return [row for row in rows if row.id == reply_id]

    def add_sending(self, row: OutboxRow) -> None:
        """Append to the outbox."""
        append_row(self.root / OUTBOX, row.model_dump(mode="json"))

    def read_outbox(self) -> dict[str, OutboxRow]:
        """The last row of each key, in the order in which the keys began."""
        return {row.key: row for row in _parse_rows(self.root / OUTBOX, OutboxRow)}

    def find_shown(self, message_id: str) -> OutboxRow | None:
        """What a message of ours showed; None where it is none of ours."""
        rows = self.read_outbox().values()
        return next((row for row in rows if message_id and row.message_id == message_id), None)


def _read_session(path: Path) -> ReviewSession:
    return read_record(path, ReviewSession, fix="Restore it, or remove its folder")


def _parse_rows(path: Path, kind: type[Any]) -> list[Any]:
    try:
        return [kind.model_validate(row) for row in read_rows(path)]
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        raise StoreError(f"{path}: a row is damaged: {fault}. Restore the file.") from error
