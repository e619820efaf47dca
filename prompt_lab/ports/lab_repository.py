"""The lab's own git history."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol


class LabRepository(Protocol):
    """The lab's own git history: what Prompt Lab writes is committed to it, by path."""

    def ensure(self) -> None:
        """Make the repository where there is none, or only a part of one. May be called again."""

    def find_obstacle(self) -> str:
        """Why nothing can be committed now, in a sentence; '' where it can."""

    def list_uncommitted(self, paths: Iterable[str]) -> list[str]:
        """Those paths that no commit holds yet."""

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        when: str,
        contents: Mapping[str, str] | None = None,
    ) -> str:
        """Commit exactly these paths; `contents` has the text of files written only afterwards."""
