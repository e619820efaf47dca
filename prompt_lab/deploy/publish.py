"""Provide the one version of a text at a remote registry: found there, or published once."""

from collections.abc import Callable

from prompt_lab.config.registries import RegistryConfig
from prompt_lab.deploy.records import DeployRecord
from prompt_lab.deploy.status import LabText, RemoteReader, RemoteStatus
from prompt_lab.errors import OutcomeUnknown, PromptMissing, RegistryBusy, RegistryError
from prompt_lab.ports import RemoteVersion
from prompt_lab.prompts.placeholders import find_placeholders
from prompt_lab.store.prompt_guard import PromotionReason

_AGAIN = "Run the same command again: it looks for the text before it publishes"
_LONGEST_MESSAGE = 72


class Publisher:
    """Publishes to one remote registry; the caller holds the lock of its records."""

    def __init__(self, reader: RemoteReader, sleep: Callable[[float], None]) -> None:
        self._reader = reader
        self._remote = reader.remote
        self._config = reader.config
        self._sleep = sleep

    def provide(
        self, status: RemoteStatus, lab: LabText, why: PromotionReason
    ) -> tuple[RemoteVersion, bool]:
        """The version with exactly this text, published where there is none; whether it was.

        Raises OutcomeUnknown where a publish may still arrive: only a later command, which looks
        first, may then try again. Raises RegistryError where the service stores another text.
        """
        name = self._config.remote_name(status.prompt)
        base = status.remote.number if status.remote else None
        for attempt in range(1, self._config.tries + 1):
            found = self._find(name, lab.digest)
            if found is not None:
                return found, attempt > 1
            altered = self._reader.records.find_altered(status.prompt, lab.digest)
            if altered is not None:
                raise self._altered_error(status.prompt, altered.number, "as it was before")
            try:
                number = self._remote.publish(
                    name, lab.text, base=base, message=_write_message(lab, why)
                )
            except RegistryBusy as error:
                if attempt == self._config.tries:
                    raise
                self._sleep(pause_seconds(self._config, attempt, error.retry_after))
            except OutcomeUnknown as error:
                found = self._look_again(name, lab.digest)
                if found is not None:
                    return found, True
                if not error.is_settled or attempt == self._config.tries:
                    raise OutcomeUnknown(f"{error}. {_AGAIN}.", is_settled=False) from error
            else:
                return self._read_back(status, lab, number, why), True
        raise RegistryError(f"{self._config.name}: {status.prompt!r} was not published. {_AGAIN}.")

    def _find(self, name: str, digest: str) -> RemoteVersion | None:
        """The oldest version with this text, so that every look finds the same one."""
        found = None
        for version in self._remote.list_versions(name):
            if version.digest == digest:
                found = version
        return found

    def _look_again(self, name: str, digest: str) -> RemoteVersion | None:
        """Look until it is there, for as long as tries and pauses last."""
        for attempt in range(1, self._config.tries + 1):
            found = self._find(name, digest)
            if found is not None:
                return found
            self._sleep(pause_seconds(self._config, attempt))
        return None

    def _read_back(
        self, status: RemoteStatus, lab: LabText, number: int | None, why: PromotionReason
    ) -> RemoteVersion:
        """The published version as it is stored. Raises RegistryError where it is another text."""
        name = self._config.remote_name(status.prompt)
        stored = self._read_stored(name, number)
        if stored is not None and stored.digest == lab.digest:
            return stored
        found = self._look_again(name, lab.digest)
        if found is not None:
            return found
        if stored is None:
            stored = next(self._remote.list_versions(name), None)
        if stored is None:
            raise OutcomeUnknown(
                f"{self._config.name}: {status.prompt!r} was published and is not there. {_AGAIN}.",
                is_settled=False,
            )
        record = make_record(status, lab, stored, why)
        self._reader.records.add(record.model_copy(update={"kind": "altered"}))
        sent, kept = (find_placeholders(text) for text in (lab.text, stored.text))
        lost = [one for one in dict.fromkeys(sent) if kept.count(one) < sent.count(one)]
        reason = f"it filled in {', '.join(lost)}" if lost else "it changed the text"
        raise self._altered_error(status.prompt, stored.number, reason)

    def _read_stored(self, name: str, number: int | None) -> RemoteVersion | None:
        try:
            return None if number is None else self._remote.read_version(name, number)
        except PromptMissing:
            return None

    def _altered_error(self, prompt: str, number: int, reason: str) -> RegistryError:
        return RegistryError(
            f"{self._config.name}: {prompt!r} was stored as version {number}, but not as it was"
            f" sent ({reason}). The label was not moved. Change the text in the lab, or delete"
            f" version {number} there and its row in {self._reader.records.path}."
        )


def make_record(
    status: RemoteStatus, lab: LabText, version: RemoteVersion, why: PromotionReason
) -> DeployRecord:
    """The record of a deployment."""
    return DeployRecord(
        prompt=status.prompt,
        label=status.label,
        number=version.number,
        digest=lab.digest,
        snapshot=lab.snapshot,
        actor=why.actor,
        reason=why.text,
        replaced=status.remote.digest if status.remote else "",
        replaced_edit=status.state == "edited",
        when=why.when,
    )


def pause_seconds(config: RegistryConfig, attempt: int, asked: float | None = None) -> float:
    """Seconds to wait after a failed attempt, counted from 1; `asked`: what the service asked for.

    >>> config = RegistryConfig(name="live", kind="langfuse", pause=0.5, most_wait=30)
    >>> pause_seconds(config, 3), pause_seconds(config, 1, 60.0)
    (2.0, 30.0)
    """
    longer: float = config.pause * 2 ** (attempt - 1)
    return min(longer if asked is None else asked, config.most_wait)


def _write_message(lab: LabText, why: PromotionReason) -> str:
    """What the service shows beside the version."""
    return f"prompt-lab {lab.digest[:12]} {why.text}".strip()[:_LONGEST_MESSAGE]
