"""Put the lab's current text of a prompt on a label of a remote registry, and prove it.

Read raw, publish, read back and compare the hash, move the label, read the label. Before any
publish, a first one or a repeated one, the text is looked for among the versions that are there.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from prompt_lab.config.registries import RegistryConfig
from prompt_lab.deploy.publish import Publisher, make_record, pause_seconds
from prompt_lab.deploy.status import LabText, RemoteReader, RemoteStatus
from prompt_lab.errors import (
    OutcomeUnknown,
    PromptMissing,
    RegistryBusy,
    RegistryConflict,
    RegistryError,
    RemoteChanged,
)
from prompt_lab.ports import RemotePrompts, RemoteVersion
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason

SHORTEST_DIGEST = 12
"""Digits of a sha256 by which a person names an edit that they have seen."""


class Deployment(NamedTuple):
    """A deployment that was proved: the label, read last, is on this version with this text."""

    prompt: str
    label: str
    version: RemoteVersion
    previous: RemoteVersion | None
    is_published: bool
    is_unchanged: bool


class RemoteDeployer:
    """Deploys to one remote registry; one process at a time."""

    def __init__(
        self,
        files: PromptFiles,
        remote: RemotePrompts,
        config: RegistryConfig,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = RemoteReader(files, remote, config)
        self._publisher = Publisher(self._reader, sleep)
        self._files = files
        self._remote = remote
        self._config = config
        self._sleep = sleep

    def deploy(
        self, prompt_id: str, why: PromotionReason, *, label: str = "", over: str = ""
    ) -> Deployment:
        """Make a label serve the lab's current text.

        `over` is the beginning (12 digits or more) of the sha256 of an edit by hand that a person
        has seen and gives up. Raises RemoteChanged for any other edit, RegistryError for whatever
        keeps the text from being served; the label then stays where it was.
        """
        label = label or self._config.label
        with self._reader.records.hold():
            status = self._reader.read_status(prompt_id, label)
            if status.lab is None:
                raise self._reader.missing_error(prompt_id)
            self._check_edit(status, over)
            before = status.remote
            if before is not None and before.digest == status.lab.digest:
                self._record(status, before, why)
                return Deployment(prompt_id, label, before, before, False, True)
            if before is not None:
                self._prove_restorable(prompt_id, before)
            version, is_published = self._publisher.provide(status, status.lab, why)
            self._check_unmoved(status, status.lab)
            self._move(status, version)
            self._record(status, version, why)
            return Deployment(prompt_id, label, version, before, is_published, False)

    def _check_edit(self, status: RemoteStatus, over: str) -> None:
        if status.state != "edited":
            return
        remote = status.remote
        digest = remote.digest if remote else ""
        if remote and len(over) >= SHORTEST_DIGEST and digest.startswith(over):
            return
        is_on = f"on version {remote.number} ({digest[:12]})" if remote else "gone"
        last = status.deployed.number if status.deployed else 0
        expected = f"version {last}" if last else "a text of the lab"
        fix = (
            f"`prompt-lab prompts pull {status.prompt} --from {self._config.name}` shows it;"
            f" `--over {digest[:12]}` replaces it"
            if remote
            else f"Put the label on version {last} there"
        )
        raise RemoteChanged(
            f"{self._config.name}: label {status.label!r} of {status.prompt!r} is {is_on}, not on"
            f" {expected}: it was changed by hand. {fix}. Nothing was changed."
        )

    def _prove_restorable(self, prompt_id: str, before: RemoteVersion) -> None:
        """Raises RegistryError unless the label could be put back on what it serves now."""
        name = self._config.remote_name(prompt_id)
        try:
            again: RemoteVersion | None = self._remote.read_version(name, before.number)
        except PromptMissing:
            again = None
        if again != before:
            raise RegistryError(
                f"{self._config.name}: version {before.number} of {prompt_id!r} cannot be read"
                " back unchanged, so a rollback could not restore it. Nothing was published."
            )
        self._files.write_version(before.text)  # the lab can publish it again if it is deleted

    def _check_unmoved(self, status: RemoteStatus, lab: LabText) -> None:
        """Raises RemoteChanged where label or lab have moved since they were read."""
        now = self._reader.read_label(status.prompt, status.label)
        if now != status.remote:
            where = f"version {now.number} ({now.digest[:12]})" if now else "no version"
            raise RemoteChanged(
                f"{self._config.name}: while {status.prompt!r} was published, its label"
                f" {status.label!r} was put on {where}. The label was left there."
            )
        current = self._reader.read_lab(status.prompt)
        if current is None or current.digest != lab.digest:
            raise RemoteChanged(
                f"{status.prompt!r} was promoted or rolled back in the lab while it was published."
                " The label was not moved. Run the same command again."
            )

    def _move(self, status: RemoteStatus, version: RemoteVersion) -> None:
        """Move the label and prove it; put it back where it then serves another text."""
        name, label = self._config.remote_name(status.prompt), status.label
        before = status.remote.number if status.remote else None
        for attempt in range(1, self._config.tries + 1):
            failure = self._try_move(name, label, version.number)
            at = self._remote.read_label(name, label)
            if at == version.number:
                break
            if at != before:
                raise RemoteChanged(
                    f"{self._config.name}: label {label!r} of {status.prompt!r} is on version"
                    f" {at}, where this command did not put it. It was left there."
                )
            if failure is None or attempt == self._config.tries:
                reason = failure or "its answer was a success"
                raise RegistryError(
                    f"{self._config.name}: label {label!r} of {status.prompt!r} is still on"
                    f" {f'version {before}' if before else 'no version'}: {reason}"
                )
            asked = failure.retry_after if isinstance(failure, RegistryBusy) else None
            self._sleep(pause_seconds(self._config, attempt, asked))
        if self._remote.read_version(name, version.number).digest != version.digest:
            self._restore(status, version)

    def _try_move(self, name: str, label: str, number: int) -> RegistryError | None:
        """What went wrong in a way that may pass; None after a success."""
        try:
            self._remote.move_label(name, label, number)
        except (RegistryBusy, OutcomeUnknown, RegistryConflict) as error:
            return error
        return None

    def _restore(self, status: RemoteStatus, version: RemoteVersion) -> None:
        """The version was edited in place between publish and move: put the label back."""
        name, before = self._config.remote_name(status.prompt), status.remote
        if before is not None:
            self._try_move(name, status.label, before.number)
        at = self._remote.read_label(name, status.label)
        back = before is not None and at == before.number
        raise RemoteChanged(
            f"{self._config.name}: version {version.number} of {status.prompt!r} was edited by"
            f" hand while it was deployed. The label {status.label!r} is"
            f" {'back ' if back else ''}on version {at}."
        )

    def _record(self, status: RemoteStatus, version: RemoteVersion, why: PromotionReason) -> None:
        assert status.lab is not None
        last = status.deployed
        if last is None or (last.number, last.digest) != (version.number, version.digest):
            self._reader.records.add(make_record(status, status.lab, version, why))
