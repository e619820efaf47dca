"""What a label of a remote registry holds, beside what the lab holds and what the lab put there."""

from typing import Literal, NamedTuple

from prompt_lab.config.registries import RegistryConfig
from prompt_lab.deploy.records import DeployRecord, DeployRecords
from prompt_lab.errors import LabError, StoreError, UnknownName
from prompt_lab.ports import RemotePrompts, RemoteVersion
from prompt_lab.store.prompt_files import PromptFiles

RemoteState = Literal["current", "behind", "edited", "absent"]


class LabText(NamedTuple):
    """The current text of a prompt in the lab."""

    text: str
    digest: str
    snapshot: str


class RemoteStatus(NamedTuple):
    """What a label of the remote holds beside what the lab holds.

    current: the lab's text. behind: what the lab put there, or before its first deployment any
    text that was once current in the lab. edited: anything else. absent: no such prompt or label.
    """

    prompt: str
    label: str
    state: RemoteState
    lab: LabText | None
    remote: RemoteVersion | None
    deployed: DeployRecord | None


class RemoteReader:
    """Reads one remote registry and compares it with the lab. Changes nothing."""

    def __init__(self, files: PromptFiles, remote: RemotePrompts, config: RegistryConfig) -> None:
        self.files = files
        self.remote = remote
        self.config = config
        self.records = DeployRecords(files, config.name)

    def read_status(self, prompt_id: str, label: str = "") -> RemoteStatus:
        """Read a label raw and compare it with the lab. Raises RegistryError."""
        label = label or self.config.label
        remote = self.read_label(prompt_id, label)
        lab = self.read_lab(prompt_id)
        deployed = self.records.last_deployed(prompt_id, label)
        state = self._compare(prompt_id, lab, remote, deployed)
        return RemoteStatus(prompt_id, label, state, lab, remote, deployed)

    def read_label(self, prompt_id: str, label: str) -> RemoteVersion | None:
        """The version that a label is on; None where prompt or label is not there."""
        name = self.config.remote_name(prompt_id)
        number = self.remote.read_label(name, label)
        return None if number is None else self.remote.read_version(name, number)

    def read_lab(self, prompt_id: str) -> LabText | None:
        """The lab's current text; None where it has no such prompt."""
        pointer = self.files.read_pointer()
        if pointer is None:
            return None
        digest = self.files.read_snapshot(pointer.to_snapshot).prompts.get(prompt_id)
        if digest is None:
            return None
        return LabText(self.files.read_version(digest), digest, pointer.to_snapshot)

    def missing_error(self, prompt_id: str) -> LabError:
        """Why the lab has no text of a prompt."""
        pointer = self.files.read_pointer()
        if pointer is None:
            return StoreError(
                f"{self.files.root}: holds no prompts. `prompt-lab prompts import FOLDER` makes"
                " the first snapshot."
            )
        known = self.files.read_snapshot(pointer.to_snapshot).prompts
        return UnknownName("prompt", prompt_id, known, str(self.files.root))

    def _compare(
        self,
        prompt_id: str,
        lab: LabText | None,
        remote: RemoteVersion | None,
        deployed: DeployRecord | None,
    ) -> RemoteState:
        if remote is None:
            return "edited" if deployed else "absent"
        if lab is not None and remote.digest == lab.digest:
            return "current"
        if deployed is not None:
            same = (remote.number, remote.digest) == (deployed.number, deployed.digest)
            return "behind" if same else "edited"
        return "behind" if remote.digest in self._list_lab_texts(prompt_id) else "edited"

    def _list_lab_texts(self, prompt_id: str) -> set[str]:
        """sha256 of every text that was once current in the lab."""
        ids = {row.to_snapshot for row in self.files.read_journal()}
        found = (self.files.read_snapshot(one).prompts.get(prompt_id, "") for one in ids)
        return set(found) - {""}
