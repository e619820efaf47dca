"""`prompt_lab.Prompts`: the prompts of a lab, from its folder or from where it is served."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from prompt_lab.errors import ConfigError
from prompt_lab.prompts.snapshots import PRODUCTION
from prompt_lab.store.prompt_reader import PromptAnswer, Prompts

READERS = "prompt_lab.prompt_reader"
"""The group of the entry points that read a served lab, by the scheme of its address."""


class PromptReader(Protocol):
    """Reads prompts; the same in process and over HTTP."""

    def get(self, prompt_id: str, label: str = PRODUCTION) -> PromptAnswer:
        """The text that a label names now. Raises UnknownName."""

    def list_prompts(self, label: str = PRODUCTION) -> list[str]:
        """The ids that a label has, sorted. Raises UnknownName."""

    def close(self) -> None:
        """Stop following changes."""


def open_prompts(lab_or_url: Path | str) -> PromptReader:
    """A reader of a lab's folder, or of the address that `prompt-lab serve` prints.

    Raises StoreError where the folder has no prompts, RegistryError where the server cannot be
    read, and ConfigError where no reader of such an address is installed.
    """
    scheme, mark, _ = str(lab_or_url).partition("://")
    if not mark:
        return Prompts(lab_or_url)
    found = entry_points(group=READERS, name=scheme)
    if not found:
        raise ConfigError([f"{lab_or_url}: no installed package reads {scheme!r} addresses"])
    reader: PromptReader = next(iter(found)).load()(str(lab_or_url))
    return reader
