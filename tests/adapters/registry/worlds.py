"""The three remote registries behind one face, for the contract tests."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adapters.registry.folder import FolderPrompts
from adapters.registry.langfuse import Langfuse
from adapters.registry.promptlayer import PromptLayer
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import OutcomeUnknown, PromptMissing, RegistryBusy, RegistryError
from prompt_lab.ports import RemotePrompts, RemoteVersion
from tests.adapters.registry.stand_ins import (
    KEY,
    SNIPPETS,
    LangfuseStandIn,
    PromptLayerStandIn,
    RegistryStandIn,
)

ENVIRON = {
    "PROMPTLAYER_API_KEY": KEY,
    "LANGFUSE_PUBLIC_KEY": "pk-lf-1234567",
    "LANGFUSE_SECRET_KEY": KEY,
}


class ServiceWorld:
    """A vendor's adapter and the stand-in that it speaks to."""

    def __init__(self, kind: str) -> None:
        stand_ins: dict[str, type[RegistryStandIn]] = {
            "promptlayer": PromptLayerStandIn,
            "langfuse": LangfuseStandIn,
        }
        adapters: dict[str, Callable[..., RemotePrompts]] = {
            "promptlayer": PromptLayer,
            "langfuse": Langfuse,
        }
        self.stand_in = stand_ins[kind]()
        self.stand_in.server.__enter__()
        self.slept: list[float] = []
        address = self.stand_in.server.address
        self.config = RegistryConfig(
            name="live", kind=kind, base_url=address, tries=3, pause=0.01, most_wait=0.02
        )
        self._connect = adapters[kind]
        self.remote = self.connect(ENVIRON)

    def connect(self, environ: dict[str, str]) -> RemotePrompts:
        return self._connect(self.config, environ, self.slept.append)

    def close(self) -> None:
        self.remote.close()
        self.stand_in.server.__exit__()

    def fail(self, operation: str, *failures: int | str) -> None:
        self.stand_in.failures += [(operation, one) for one in failures]

    def before(self, operation: str, act: Callable[[], object]) -> None:
        self.stand_in.before[operation] = act

    def resolve_snippets(self) -> None:
        self.stand_in.resolves = True

    def add(self, prompt: str, text: str, *labels: str) -> int:
        return self.stand_in.add(prompt, text, *labels)

    def duplicate_label(self, prompt: str, label: str, number: int) -> None:
        self.stand_in.labels[prompt].append((label, number))

    def edit_version(self, prompt: str, number: int, text: str) -> None:
        self.stand_in.texts[prompt][number - 1] = self.stand_in.write_shape(text)

    def delete_version(self, prompt: str, number: int) -> None:
        self.stand_in.texts[prompt][number - 1] = None

    def put_label(self, prompt: str, label: str, number: int) -> None:
        self.stand_in.put_label(prompt, label, number)

    def list_texts(self, prompt: str) -> list[str]:
        return self.stand_in.list_texts(prompt)

    def find_labelled(self, prompt: str, label: str) -> list[int]:
        return self.stand_in.find_labelled(prompt, label)

    def count(self, operation: str) -> int:
        return self.stand_in.calls.count(operation)


class FaultyFolder(FolderPrompts):
    """A folder behind a link that fails as services do: in the port's own errors."""

    def __init__(self, world: "FolderWorld", config: RegistryConfig) -> None:
        super().__init__(config)
        self._world = world

    def read_version(self, prompt: str, number: int) -> RemoteVersion:
        self._world.act("read", lambda: None)
        return super().read_version(prompt, number)

    def publish(self, prompt: str, text: str, *, base: int | None, message: str) -> int:
        for snippet, value in SNIPPETS.items() if self._world.resolves else ():
            text = text.replace(snippet, value)

        def write() -> int:
            return super(FaultyFolder, self).publish(prompt, text, base=base, message=message)

        return int(self._world.act("publish", write))

    def move_label(self, prompt: str, label: str, number: int) -> None:
        def move() -> None:
            super(FaultyFolder, self).move_label(prompt, label, number)

        self._world.act("label", move)


class FolderWorld:
    """A folder, and faults of the file system that it is on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = RegistryConfig(
            name="live", kind="folder", path=str(path), tries=3, pause=0.01, most_wait=0.02
        )
        self.failures: list[tuple[str, int | str]] = []
        self.hooks: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.resolves = False
        self.slept: list[float] = []
        self._by_hand = FolderPrompts(self.config)
        self.remote: RemotePrompts = FaultyFolder(self, self.config)

    def act(self, operation: str, work: Callable[[], Any]) -> Any:
        self.calls.append(operation)
        self.hooks.pop(operation, lambda: None)()
        failure = next((f for f in self.failures if f[0] == operation), None)
        if failure is None:
            return work()
        self.failures.remove(failure)
        kind = failure[1]
        if kind == "ignore":
            return len(self.list_texts("greet"))
        if kind == "drop":
            work()
        if operation == "read" and kind in (429, 500):
            return work()  # a read is tried again inside
        raise _ERRORS[kind]

    def close(self) -> None:
        pass

    def fail(self, operation: str, *failures: int | str) -> None:
        self.failures += [(operation, one) for one in failures]

    def before(self, operation: str, act: Callable[[], object]) -> None:
        self.hooks[operation] = act

    def resolve_snippets(self) -> None:
        self.resolves = True

    def add(self, prompt: str, text: str, *labels: str) -> int:
        number = self._by_hand.publish(prompt, text, base=None, message="")
        for label in labels:
            self._by_hand.move_label(prompt, label, number)
        return number

    def duplicate_label(self, prompt: str, label: str, number: int) -> None:
        (self.path / prompt / "labels.json").write_text(json.dumps({label: [1, number]}))

    def edit_version(self, prompt: str, number: int, text: str) -> None:
        (self.path / prompt / f"{number}.txt").write_text(text)

    def delete_version(self, prompt: str, number: int) -> None:
        (self.path / prompt / f"{number}.txt").unlink()

    def put_label(self, prompt: str, label: str, number: int) -> None:
        self._by_hand.move_label(prompt, label, number)

    def list_texts(self, prompt: str) -> list[str]:
        return [one.text for one in reversed(list(self._by_hand.list_versions(prompt)))]

    def find_labelled(self, prompt: str, label: str) -> list[int]:
        path = self.path / prompt / "labels.json"
        found = json.loads(path.read_text()).get(label) if path.exists() else None
        return [found] if isinstance(found, int) else found or []

    def count(self, operation: str) -> int:
        return self.calls.count(operation)


_ERRORS: dict[int | str, RegistryError] = {
    401: RegistryError("live: 401"),
    404: PromptMissing("live: 404"),
    409: RegistryError("live: 409"),
    422: RegistryError("live: 422"),
    429: RegistryBusy("live: 429", 0.0),
    500: OutcomeUnknown("live: 500", is_settled=True),
    "drop": OutcomeUnknown("live: the connection was lost", is_settled=False),
    "lost": OutcomeUnknown("live: the connection was lost", is_settled=False),
}
World = ServiceWorld | FolderWorld
KINDS = ("folder", "promptlayer", "langfuse")


def open_world(kind: str, folder: Path) -> Iterator[World]:
    """One registry, closed at the end."""
    made: World = FolderWorld(folder / "remote") if kind == "folder" else ServiceWorld(kind)
    yield made
    made.close()
