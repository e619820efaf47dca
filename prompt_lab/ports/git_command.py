"""Git in one folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol


class GitCommand(Protocol):
    """Git in one folder."""

    def raw(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        no_is_fine: bool = False,
    ) -> bytes:
        """Standard output as it came; `no_is_fine`: also where git answers 'no' (exit code 1)."""


GitFactory = Callable[[Path], GitCommand]
"""Git in the folder of a user's own checkout."""
