"""What the lab put where: lab/prompts/remotes/<registry>.jsonl, append-only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.prompts.snapshots import Actor
from prompt_lab.store.files import append_row, disk_errors, read_rows
from prompt_lab.store.prompt_files import PromptFiles


class DeployRecord(BaseModel):
    """One row. Of a prompt and label, the last 'deploy' is what the remote should still hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    kind: Literal["deploy", "altered"] = Field(
        default="deploy", description="altered: the remote stored another text than was sent"
    )
    prompt: str
    label: str
    number: int = Field(description="the version's number at the remote")
    digest: str = Field(description="sha256 of the text that was sent")
    snapshot: str
    actor: Actor
    reason: str = ""
    replaced: str = Field(default="", description="sha256 of the text that the label was on")
    replaced_edit: bool = Field(default=False, description="whether that was an edit by hand")
    when: str


class DeployRecords:
    """The rows of one remote registry."""

    def __init__(self, files: PromptFiles, registry: str) -> None:
        self._folder = files.root / "remotes"
        self.path = self._folder / f"{registry}.jsonl"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes from deploying to this registry until the block ends."""
        with disk_errors(self.path):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / f".{self.path.stem}.lock")
        with lock:
            yield

    def add(self, record: DeployRecord) -> None:
        """Append a row."""
        append_row(self.path, record.model_dump(mode="json"))

    def read(self) -> list[DeployRecord]:
        """Oldest first. Raises StoreError for a row that is none of ours."""
        try:
            return [DeployRecord.model_validate(row) for row in read_rows(self.path)]
        except ValidationError as error:
            raise StoreError(
                f"{self.path}: a row is damaged: {error.errors()[0]['msg']}. Restore the file."
            ) from error

    def last_deployed(self, prompt: str, label: str) -> DeployRecord | None:
        """What the lab last put on a label; None where it never did."""
        wanted = ("deploy", prompt, label)
        rows = [row for row in self.read() if (row.kind, row.prompt, row.label) == wanted]
        return rows[-1] if rows else None

    def find_altered(self, prompt: str, digest: str) -> DeployRecord | None:
        """The record of a publish of that text which the remote stored changed."""
        wanted = ("altered", prompt, digest)
        rows = (row for row in self.read() if (row.kind, row.prompt, row.digest) == wanted)
        return next(rows, None)
