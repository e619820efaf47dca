"""Prompts that are files of a git repository, each at a commit."""

from prompt_lab.ports import Workspace


class GitPromptSource:
    """ports.PromptSource for a target whose prompts are files."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def read(self, name: str, version: str) -> str:
        """The text of the file `name` at the commit `version`. Raises TargetError."""
        return self._workspace.read(version, name)
