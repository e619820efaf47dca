"""A code host with a repository behind it, as the contract tests need one. One class per host."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from adapters.code_host.local import LocalHost
from prompt_lab.ports import CodeHost
from tests.adapters.workspace.target import Target


class World(Protocol):
    """What a contract test may do besides calling the host."""

    @property
    def host(self) -> CodeHost: ...

    def branch(self, name: str, files: Mapping[str, str]) -> str:
        """Commit to a branch on the host, made at main if need be; its head."""

    def on_main(self, files: Mapping[str, str]) -> str:
        """Commit to main as somebody else would; its head."""

    def main_text(self, path: str) -> str | None:
        """A file's text on the host's main."""

    def main_parents(self) -> list[str]:
        """The parents of main's head."""


class LocalWorld:
    """Files in a lab, and a repository beside them."""

    def __init__(self, folder: Path) -> None:
        self.lab = folder / "lab"
        self.target = Target(self.lab / "target")
        self.host = self.another()

    def another(self) -> LocalHost:
        """The same host, as another process has it."""
        return LocalHost(self.lab / "pulls", self.target.folder, self.lab / "work")

    def branch(self, name: str, files: Mapping[str, str]) -> str:
        return self.target.branch(name, files)

    def on_main(self, files: Mapping[str, str]) -> str:
        return self.target.commit(files)

    def main_text(self, path: str) -> str | None:
        names = self.target.git("ls-tree", "-r", "--name-only", "main").splitlines()
        return self.target.git("show", f"main:{path}") if path in names else None

    def main_parents(self) -> list[str]:
        return self.target.git("log", "-1", "--format=%P", "main").split()


WORLDS: dict[str, Callable[[Path], World]] = {"local": LocalWorld}
