"""A registry outside the lab from which services read their prompts."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from prompt_lab.prompts.snapshots import digest_text


class RemoteVersion(NamedTuple):
    """One version as the remote registry holds it: raw, with snippets and placeholders unfilled."""

    number: int
    text: str

    @property
    def digest(self) -> str:
        """sha256 of the text, as the lab computes it."""
        return digest_text(self.text)


class RemotePrompts(Protocol):
    """Versions and labels of prompts at one remote registry.

    Reads may be repeated inside; each write is sent exactly once. Any call raises RegistryError.
    A write raises RegistryBusy where it was certainly not taken, and OutcomeUnknown where that is
    not known.
    """

    def read_label(self, prompt: str, label: str) -> int | None:
        """The version that a label is on; None where the prompt or the label is not there.

        Raises RegistryError where the label is on two versions.
        """

    def read_version(self, prompt: str, number: int) -> RemoteVersion:
        """Raises PromptMissing where there is no such version."""

    def list_versions(self, prompt: str) -> Iterator[RemoteVersion]:
        """Every version, newest first; none where the prompt is not there."""

    def publish(self, prompt: str, text: str, *, base: int | None, message: str) -> int | None:
        """Add a version without any label; its number, None where the service does not say it.

        `base`: the version whose other settings it keeps.
        """

    def move_label(self, prompt: str, label: str, number: int) -> None:
        """Put a label on a version; it leaves the one that it was on."""

    def close(self) -> None:
        """End connections."""
