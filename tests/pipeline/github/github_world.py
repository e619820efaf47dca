"""A world for the DAG whose target is on GitHub: a hub on loopback, of our own or the emulator."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import yaml

from adapters.git import Git
from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.paired import Paired
from tests.adapters.code_host.hub.server import Hub
from tests.adapters.code_host.hub.stand_in import StandIn
from tests.adapters.code_host.hub.wire import ask
from tests.pipeline.world import HINT, PLAIN, World

BETTER = PLAIN.replace("[user]", f"{HINT}\n[user]")
OTHER = PLAIN.replace("Extract", "Please extract")


@dataclass
class GitHubWorld(AbstractContextManager["GitHubWorld"]):
    """`world` with its target on a hub; `emulator` None: the stand-in. Starts with `with`."""

    world: World
    emulator: Emulator | None = None
    config: dict[str, Any] = field(default_factory=dict)
    kept: StandIn | None = None
    """A stand-in as it once was; its repository lies in the world."""

    @property
    def name(self) -> str:
        """Of the repository: one emulator serves many worlds."""
        return f"lab/{sha256(str(self.world.root).encode()).hexdigest()[:12]}"

    def __enter__(self) -> "GitHubWorld":
        root = self.world.root / "hub"
        self.bare = root / f"{self.name}.git"
        if self.kept is None:
            shutil.rmtree(root, ignore_errors=True)
            self.bare.parent.mkdir(parents=True)
            one = ["--bare", "--single-branch", "-b", "main"]
            Git(root)("clone", "-q", *one, str(self.world.target), str(self.bare))
        self.pushed: Callable[[], None] = lambda: None
        if self.kept is not None:
            self.api: StandIn | Paired = self.kept
        elif self.emulator is None:
            self.api = StandIn(self.name, self.bare, {TOKEN: {"*"}})
        else:
            self.api = Paired(self.emulator, self.name, self.bare)
            self.pushed = self.api.pushed
            self.pushed()
        self.hub = Hub(root, self.api, {TOKEN}, self.pushed).__enter__()
        target = {"repository": "target", "code_host": "github", "github": self.section}
        path = self.world.root / "configs/targets/shop.yaml"
        path.write_text(yaml.safe_dump(target))
        return self

    def __exit__(self, *error: object) -> None:
        self.hub.__exit__(*error)

    @property
    def section(self) -> dict[str, Any]:
        """What the target's config says of GitHub."""
        return {"repository": self.name, "base_url": self.hub.url, "pause": 0.01, **self.config}

    def ask(self, path: str) -> Any:
        """What the server tells anybody over plain HTTP of a path of the repository."""
        return ask(self.hub.port, "GET", f"/repos/{self.name}{path}", token=TOKEN).data

    def verdicts(self, commit: str) -> list[str]:
        """The verdicts that stand on a commit: statuses, or check runs of the emulator."""
        if self.emulator is None:
            return [status["state"] for status in self.ask(f"/commits/{commit}/statuses")]
        runs = self.ask(f"/commits/{commit}/check-runs")["check_runs"]
        return [run["conclusion"] for run in runs]

    @property
    def stand_in(self) -> StandIn:
        assert isinstance(self.api, StandIn)
        return self.api

    @property
    def git(self) -> Git:
        """Git in the repository on the hub."""
        return Git(self.bare)

    def commit(self, branch: str, path: str, text: str) -> str:
        """Commit to a branch on the hub, as somebody else would."""
        other = self.bare.parent / "other"
        shutil.rmtree(other, ignore_errors=True)
        git = Git(self.bare.parent)
        git("clone", "-q", "-b", branch, str(self.bare), str(other))
        (other / path).write_text(text)
        there = Git(other)
        who = ["-c", "user.name=Other", "-c", "user.email=other@localhost"]
        there(*who, "commit", "-q", "-a", "-m", "Theirs", env={"TZ": "UTC"})
        there("push", "-q", "origin", branch)
        self.pushed()
        return there("rev-parse", "HEAD")
