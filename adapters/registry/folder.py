"""A folder of text files that services read where they speak no HTTP.

<path>/<prompt>/<number>.txt are the versions, labels.json says which one each label is on, and
<label>.txt beside it is a copy of that version for readers that know nothing else.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import PromptMissing, RegistryError, StoreError
from prompt_lab.ports import RemoteVersion
from prompt_lab.store.files import disk_errors, write_text

_LABELS = "labels.json"


class FolderPrompts:
    """Versions and labels in a folder; each file is written whole or not at all."""

    def __init__(self, config: RegistryConfig, environ: Mapping[str, str] = os.environ) -> None:
        del environ  # a folder takes no key
        self._name = config.name
        self._root = Path(config.path).expanduser()

    def read_label(self, prompt: str, label: str) -> int | None:
        """See the port."""
        with self._errors():
            return self._read_labels(prompt).get(label)

    def read_version(self, prompt: str, number: int) -> RemoteVersion:
        """See the port."""
        path = self._folder(prompt) / f"{number}.txt"
        with self._errors():
            if not path.exists():
                raise PromptMissing(f"{self._name}: {path} is not there.")
            with disk_errors(path):
                data = path.read_bytes()
        try:
            return RemoteVersion(number, data.decode("utf-8"))
        except UnicodeDecodeError:
            raise RegistryError(f"{self._name}: {path} is not UTF-8 text.") from None

    def list_versions(self, prompt: str) -> Iterator[RemoteVersion]:
        """See the port."""
        for number in sorted(self._numbers(prompt), reverse=True):
            yield self.read_version(prompt, number)

    def publish(self, prompt: str, text: str, *, base: int | None, message: str) -> int:
        """See the port. A version has no settings to keep, and no message."""
        del base, message
        with self._errors(), self._hold(prompt):
            number = max(self._numbers(prompt), default=0) + 1
            write_text(self._folder(prompt) / f"{number}.txt", text)
            return number

    def move_label(self, prompt: str, label: str, number: int) -> None:
        """See the port."""
        if not label.replace("-", "").replace("_", "").isalnum() or label.isdecimal():
            raise RegistryError(f"{self._name}: {label!r} is no label: use letters and digits.")
        text = self.read_version(prompt, number).text
        with self._errors(), self._hold(prompt):
            labels = {**self._read_labels(prompt), label: number}
            write_text(self._folder(prompt) / _LABELS, json.dumps(labels, indent=2) + "\n")
            write_text(self._folder(prompt) / f"{label}.txt", text)

    def close(self) -> None:
        """Nothing is open."""

    def _folder(self, prompt: str) -> Path:
        if not prompt or prompt.startswith(".") or {"/", "\\", "\0"} & set(prompt):
            raise RegistryError(f"{self._name}: {prompt!r} cannot be the name of a folder.")
        return self._root / prompt

    def _numbers(self, prompt: str) -> list[int]:
        with self._errors(), disk_errors(self._folder(prompt)):
            names = [path.stem for path in self._folder(prompt).glob("*.txt")]
        return [int(name) for name in names if name.isdecimal()]

    def _read_labels(self, prompt: str) -> dict[str, int]:
        path = self._folder(prompt) / _LABELS
        if not path.exists():
            return {}
        with disk_errors(path):
            text = path.read_bytes()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(type(n) is int for n in found.values()):
            raise RegistryError(f"{path}: is no object of labels and numbers. Restore it.")
        return found

    @contextmanager
    def _hold(self, prompt: str) -> Iterator[None]:
        folder = self._folder(prompt)
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the disk refuses was not done: files are written whole or not at all."""
        try:
            yield
        except StoreError as error:
            raise RegistryError(f"{self._name}: {error}") from error
