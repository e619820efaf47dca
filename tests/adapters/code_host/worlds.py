"""A code host with a repository behind it, as the contract tests need one. One class per host."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from adapters.code_host._pulls import StoredPull
from adapters.code_host.github import GitHubHost
from adapters.code_host.local import LocalHost
from adapters.git import Git, signed
from prompt_lab.config.github import GitHubConfig
from prompt_lab.ports import CodeHost
from prompt_lab.store.files import read_record
from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.paired import Paired
from tests.adapters.code_host.hub.server import Api, Hub
from tests.adapters.code_host.hub.stand_in import StandIn
from tests.adapters.code_host.hub.wire import ask
from tests.adapters.workspace.target import WHEN, Target


class World(Protocol):
    """What a contract test may do besides calling the host."""

    @property
    def host(self) -> CodeHost: ...

    @property
    def target(self) -> Target:
        """The repository that the lab reads."""

    def branch(self, name: str, files: Mapping[str, str]) -> str:
        """Commit to a branch on the host, made at main if need be; its head."""

    def on_main(self, files: Mapping[str, str]) -> str:
        """Commit to main as somebody else would; its head."""

    def main_text(self, path: str) -> str | None:
        """A file's text on the host's main."""

    def main_parents(self) -> list[str]:
        """The parents of main's head."""

    def verdict(self, commit: str) -> tuple[str, str]:
        """(state, text) of the verdict that stands on a commit, in the host's words."""

    def close(self) -> None:
        """Nothing of it goes on."""


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

    def verdict(self, commit: str) -> tuple[str, str]:
        files = (self.lab / "pulls").glob("*.json")
        found = [s for f in files for s in read_record(f, StoredPull).statuses]
        return next((s.outcome.value, s.text) for s in found if s.commit == commit)

    def close(self) -> None:
        """Files go on for ever."""


class GitHubWorld:
    """A clone of one's own as the target, and the repository on a hub that speaks HTTP."""

    NAME = "lab/shop"

    def __init__(self, folder: Path) -> None:
        self.target = Target(folder / "lab" / "target")
        self.bare = folder / "hub" / f"{self.NAME}.git"
        self.bare.parent.mkdir(parents=True)
        self.target.git("clone", "-q", "--bare", str(self.target.folder), str(self.bare))
        self.waits: list[float] = []
        api = self.api()
        pushed = api.pushed if isinstance(api, Paired) else lambda: None
        self.hub = Hub(folder / "hub", api, {TOKEN}, pushed).__enter__()
        self.host = self.another()

    def api(self) -> Api:
        self.stand_in = StandIn(self.NAME, self.bare, {TOKEN: {"*"}})
        return self.stand_in

    def config(self, **more: object) -> GitHubConfig:
        given = {"repository": self.NAME, "base_url": self.hub.url, "pause": 0, **more}
        return GitHubConfig.model_validate(given)

    def another(self, token: str = TOKEN, **config: object) -> GitHubHost:
        """The same host, as another process has it."""
        key = {"GITHUB_TOKEN": token}
        return GitHubHost(self.config(**config), self.target.folder, key, self.waits.append)

    def branch(self, name: str, files: Mapping[str, str]) -> str:
        head = self.target.branch(name, files)
        if Git(self.bare).ask("rev-parse", "-q", "--verify", f"refs/heads/{name}") is not None:
            self.target.git("push", "-q", str(self.bare), name)
        return head

    def on_main(self, files: Mapping[str, str]) -> str:
        other = self.bare.with_name("other")
        if not other.exists():
            self.target.git("clone", "-q", str(self.bare), str(other))
        git = Git(other)
        git("pull", "-q", "--ff-only")
        for path, text in files.items():
            (other / path).write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", "Theirs", env=signed(WHEN))
        git("push", "-q", "origin", "main")
        return git("rev-parse", "HEAD")

    def main_text(self, path: str) -> str | None:
        names = Git(self.bare)("ls-tree", "-r", "--name-only", "main").splitlines()
        return Git(self.bare)("show", f"main:{path}") if path in names else None

    def main_parents(self) -> list[str]:
        return Git(self.bare)("log", "-1", "--format=%P", "main").split()

    def verdict(self, commit: str) -> tuple[str, str]:
        found = [s for s in self.stand_in.statuses if s["sha"] == commit]
        return found[-1]["state"], found[-1]["description"]

    def close(self) -> None:
        self.hub.__exit__(None, None, None)


class EmulatedWorld(GitHubWorld):
    """The same with an emulator that we did not write; it has check runs for statuses."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self._emulator = emulator
        # One emulator serves all tests: a repository for each of them.
        self.NAME = f"lab/shop-{sha256(str(folder).encode()).hexdigest()[:12]}"
        super().__init__(folder)

    def api(self) -> Api:
        self.paired = Paired(self._emulator, self.NAME, self.bare)
        self.paired.pushed()
        return self.paired

    def verdict(self, commit: str) -> tuple[str, str]:
        path = f"/repos/{self.NAME}/commits/{commit}/check-runs"
        [run] = ask(self._emulator.port, "GET", path, token=TOKEN).data["check_runs"]
        return run["conclusion"], run["output"]["summary"]
