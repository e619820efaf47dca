"""The registry of a lab, the only way to its pointer: import, promote, force, roll back, label."""

from collections.abc import Callable, Mapping

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.prompts.guard import Refusal
from prompt_lab.prompts.manifest import PromptManifest, propose_manifest
from prompt_lab.prompts.snapshots import (
    ActorKind,
    GitMove,
    PromotionKind,
    PromotionRecord,
    PromotionRefused,
    Snapshot,
    check_force,
    check_label,
    check_verdict,
    digest_text,
)
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason, RegistryGuard
from prompt_lab.store.prompt_plans import PlanTexts
from prompt_lab.store.prompt_verify import FindVerdict, list_changes


def read_no_plans() -> PlanTexts:
    """For a registry without a lab: there is nothing that a text could quote."""
    return PlanTexts({}, {})


class PromptRegistry:
    """All writes are serialised over processes by one lock.

    `find_verdict` looks up a trial's verdict; `read_plans` gives what no text may quote.
    """

    def __init__(
        self,
        files: PromptFiles,
        find_verdict: FindVerdict,
        read_plans: Callable[[], PlanTexts] = read_no_plans,
    ) -> None:
        self.files = files
        self._find_verdict = find_verdict
        self.guards = RegistryGuard(files, read_plans)

    def read_current(self) -> tuple[str, Snapshot]:
        """Id and content of the current snapshot. Raises StoreError before the first import."""
        pointer = self.files.read_pointer()
        if pointer is None or not pointer.to_snapshot:
            raise StoreError(
                f"{self.files.root}: holds no prompts. `prompt-lab prompts import FOLDER` makes the"
                " first snapshot."
            )
        return pointer.to_snapshot, self.files.read_snapshot(pointer.to_snapshot)

    def read_text(self, prompt_id: str) -> str:
        """The current text of a prompt. Raises UnknownName."""
        _, snapshot = self.read_current()
        if prompt_id not in snapshot.prompts:
            raise UnknownName("prompt", prompt_id, snapshot.prompts, str(self.files.root))
        return self.files.read_version(snapshot.prompts[prompt_id])

    def import_texts(
        self,
        texts: Mapping[str, str],
        manifests: Mapping[str, PromptManifest],
        why: PromotionReason,
    ) -> PromotionRecord:
        """Add prompts that are not there yet, without verdicts; the first time: the first snapshot.

        A text that is current already is left out. Raises PromotionRefused where a prompt has
        another text, or where nothing is new.
        """
        with self.files.hold():
            known = self._current_prompts()
            new = {name: text for name, text in texts.items() if name not in known}
            for name in texts.keys() - new.keys():
                if known[name] != digest_text(texts[name]):
                    raise PromotionRefused(
                        f"{self.files.root}: has {name!r} already, with another text. An import "
                        "replaces nothing: promote the new text with a verdict."
                    )
            if not new:
                raise PromotionRefused("There is no text to import that is not there yet.")
            chosen = {
                name: manifests.get(name) or propose_manifest(name, text)
                for name, text in new.items()
            }
            self.guards.require_first(new, chosen, why)
            for manifest in chosen.values():
                self.files.write_manifest(manifest)
            return self._move(PromotionKind.IMPORT, new, {}, why)

    def promote(
        self, texts: Mapping[str, str], verdicts: Mapping[str, str], why: PromotionReason
    ) -> PromotionRecord:
        """Make texts current (prompt id -> text), each with the id of a YES verdict for it.

        Raises PromotionRefused, and then nothing is changed.
        """
        if not texts:
            raise PromotionRefused("There is no text to promote.")
        with self.files.hold():
            for prompt_id, text in texts.items():
                verdict_id = verdicts.get(prompt_id, "")
                found = self._find_verdict(verdict_id) if verdict_id else None
                check_verdict(prompt_id, digest_text(text), verdict_id, found)
            if why.actor.kind is not ActorKind.PERSON:
                self._check_not_rolled_back(texts)
            self.guards.require(texts, {name: self.read_text(name) for name in texts}, why)
            used = {prompt_id: verdicts[prompt_id] for prompt_id in texts}
            return self._move(PromotionKind.PROMOTE, texts, used, why)

    def force(self, prompt_id: str, text: str, why: PromotionReason) -> PromotionRecord:
        """Make one text current without a verdict: a person's act, recorded as such."""
        texts = {prompt_id: text}
        check_force(why.actor, texts, why.text)
        with self.files.hold():
            self.guards.require(texts, {name: self.read_text(name) for name in texts}, why)
            return self._move(PromotionKind.FORCE, texts, {}, why)

    def roll_back(self, snapshot_id: str, why: PromotionReason) -> PromotionRecord:
        """Make a snapshot current that once was. Raises PromotionRefused for any other."""
        if not why.text.strip():
            raise PromotionRefused("A rollback needs a reason.")
        with self.files.hold():
            if not self.files.was_current(snapshot_id):
                raise PromotionRefused(_never_current(snapshot_id))
            pointer = self.files.read_pointer()
            if pointer is not None and pointer.to_snapshot == snapshot_id:
                raise PromotionRefused(f"Snapshot {snapshot_id[:12]!r} is current already.")
            for digest in self.files.read_snapshot(snapshot_id).prompts.values():
                self.files.read_version(digest)
            return self._record(PromotionKind.ROLLBACK, why, to_snapshot=snapshot_id)

    def set_label(self, label: str, snapshot_id: str, why: PromotionReason) -> PromotionRecord:
        """Pin a label to a snapshot that was once current; '' removes the label."""
        check_label(label, why.text)
        with self.files.hold():
            pointer = self.files.read_pointer()
            labels = dict(pointer.labels) if pointer else {}
            if snapshot_id and not self.files.was_current(snapshot_id):
                raise PromotionRefused(_never_current(snapshot_id))
            if labels.pop(label, "") == snapshot_id:
                raise PromotionRefused(f"Label {label!r} is there already, or was never there.")
            labels |= {label: snapshot_id} if snapshot_id else {}
            return self._record(PromotionKind.LABEL, why, labels=labels)

    def record_git_move(
        self, kind: PromotionKind, move: GitMove, verdicts: Mapping[str, str], why: PromotionReason
    ) -> PromotionRecord | None:
        """Record a git target's merge or its revert; None where its commit is recorded already."""
        with self.files.hold():
            if self.files.read_journal(kind=kind, after=move.after):
                return None
            return self._record(kind, why, git=move, verdicts=dict(verdicts))

    def guard(self, prompt_id: str, text: str) -> tuple[Refusal, ...]:
        """What the guard says of a text against the manifest and the current version."""
        return self.guards.check(prompt_id, text, self.read_text(prompt_id))

    def _check_not_rolled_back(self, texts: Mapping[str, str]) -> None:
        """A person's rollback stands: only a person brings the same text back."""
        back, person = PromotionKind.ROLLBACK, ActorKind.PERSON
        # One field name for both, so the rows are distinguished below.
        for row in self.files.read_journal(kind=person):
            if row.kind is not back or row.git is not None or row.actor.kind is not person:
                continue
            changes = list_changes(self.files, row)
            for name, text in texts.items():
                if changes.get(name, ("", ""))[0] == digest_text(text):
                    raise PromotionRefused(
                        f"{name!r}: {row.actor.name!r} rolled this text back (row {row.sequence}: "
                        f"{row.reason}). A person may promote it again."
                    )

    def _current_prompts(self) -> dict[str, str]:
        pointer = self.files.read_pointer()
        if pointer is None or not pointer.to_snapshot:
            return {}
        return self.files.read_snapshot(pointer.to_snapshot).prompts

    def _move(
        self,
        kind: PromotionKind,
        texts: Mapping[str, str],
        verdicts: Mapping[str, str],
        why: PromotionReason,
    ) -> PromotionRecord:
        pointer, before = self.files.read_pointer(), self._current_prompts()
        changed = {prompt_id: self.files.write_version(text) for prompt_id, text in texts.items()}
        if all(before.get(prompt_id) == digest for prompt_id, digest in changed.items()):
            raise PromotionRefused(f"{', '.join(sorted(texts))}: this text is current already.")
        forced = tuple(sorted(texts)) if kind is PromotionKind.FORCE else ()
        snapshot = Snapshot(
            prompts={**before, **changed},
            parent=pointer.to_snapshot if pointer else "",
            actor=why.actor.name,
            reason=why.text,
            verdicts=dict(verdicts),
            forced=forced,
            created=why.when,
        )
        to = self.files.write_snapshot(snapshot)
        return self._record(kind, why, to_snapshot=to, verdicts=dict(verdicts), forced=forced)

    def _record(
        self, kind: PromotionKind, why: PromotionReason, **changes: object
    ) -> PromotionRecord:
        """Move the pointer to a new row; what `changes` leaves out stays as it was."""
        before = self.files.read_pointer()
        snapshot_id = before.to_snapshot if before else ""
        row = PromotionRecord.model_validate(
            {
                "sequence": before.sequence + 1 if before else 1,
                "kind": kind,
                "from_snapshot": snapshot_id,
                "to_snapshot": snapshot_id,
                "actor": why.actor,
                "reason": why.text,
                "labels": before.labels if before else {},
                "when": why.when,
                "previous_row": before.digest if before else "",
                **changes,
            }
        )
        self.files.move_pointer(row)
        return row


def _never_current(snapshot_id: str) -> str:
    return (
        f"Snapshot {snapshot_id[:12]!r} was never current: `prompt-lab prompts history` lists those"
        " that were."
    )
