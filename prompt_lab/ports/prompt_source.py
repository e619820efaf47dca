"""Where prompts come from."""

from typing import Protocol


class PromptSource(Protocol):
    """Where the prompts of a target come from."""

    def read(self, name: str, version: str) -> str:
        """The text of a prompt (or its schema) at a version. Raises TargetError."""
