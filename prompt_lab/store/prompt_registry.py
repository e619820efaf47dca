"""The registry of a lab, the only way to its pointer: import, promote, force, roll back."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.prompts.guard import PromptCandidate, Refusal, check_prompt
from prompt_lab.prompts.manifest import PromptManifest, propose_manifest
from prompt_lab.prompts.snapshots import (
    Actor,
    PromotionKind,
    PromotionRecord,
    PromotionRefused,
    Snapshot,
    TrialVerdict,
    check_force,
    check_verdict,
    find_chain_faults,
)
from prompt_lab.store.files import append_row
from prompt_lab.store.prompt_files import PromptFiles

FindVerdict = Callable[[str], TrialVerdict | None]


class PromotionReason(NamedTuple):
    """Who moves the pointer, why and when (UTC)."""

    actor: Actor
    text: str
    when: str


class PromptRegistry:
    """All writes are serialised over processes by one lock. `find_verdict` looks up a trial's."""

    def __init__(self, files: PromptFiles, find_verdict: FindVerdict) -> None:
        self.files = files
        self._find_verdict = find_verdict

    def read_current(self) -> tuple[str, Snapshot]:
        """Id and content of the current snapshot. Raises StoreError before the first import."""
        pointer = self.files.read_pointer()
        if pointer is None:
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
        """Make the first snapshot, without verdicts. Raises PromotionRefused where there is one."""
        with self.files.hold():
            if self.files.read_pointer() is not None:
                raise PromotionRefused(
                    f"{self.files.root}: has prompts already. Promote a new text with a verdict."
                )
            if not texts:
                raise PromotionRefused("There is no text to import.")
            for prompt_id, text in texts.items():
                manifest = manifests.get(prompt_id) or propose_manifest(prompt_id, text)
                self._guard(PromptCandidate(text, manifest), why)
                self.files.write_manifest(manifest)
            return self._move(PromotionKind.IMPORT, texts, {}, why)

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
                check_verdict(prompt_id, text, verdict_id, found)
            self._guard_all(texts, why)
            used = {prompt_id: verdicts[prompt_id] for prompt_id in texts}
            return self._move(PromotionKind.PROMOTE, texts, used, why)

    def force(self, prompt_id: str, text: str, why: PromotionReason) -> PromotionRecord:
        """Make one text current without a verdict: a person's act, recorded as such."""
        texts = {prompt_id: text}
        check_force(why.actor, texts, why.text)
        with self.files.hold():
            self._guard_all(texts, why)
            return self._move(PromotionKind.FORCE, texts, {}, why)

    def roll_back(self, snapshot_id: str, why: PromotionReason) -> PromotionRecord:
        """Make a snapshot current that once was. Raises PromotionRefused for any other."""
        if not why.text.strip():
            raise PromotionRefused("A rollback needs a reason.")
        with self.files.hold():
            rows = self.files.read_journal()
            if not any(row.to_snapshot == snapshot_id for row in rows):
                raise PromotionRefused(
                    f"Snapshot {snapshot_id[:12]!r} was never current: `prompt-lab prompts history`"
                    " lists those that were."
                )
            if rows[-1].to_snapshot == snapshot_id:
                raise PromotionRefused(f"Snapshot {snapshot_id[:12]!r} is current already.")
            for digest in self.files.read_snapshot(snapshot_id).prompts.values():
                self.files.read_version(digest)
            return self._record(PromotionKind.ROLLBACK, snapshot_id, why)

    def guard(self, prompt_id: str, text: str) -> tuple[Refusal, ...]:
        """What the guard says of a text against the manifest and the current version."""
        return check_prompt(self._candidate(prompt_id, text))

    def _candidate(self, prompt_id: str, text: str) -> PromptCandidate:
        previous = self.read_text(prompt_id)
        manifest = self.files.read_manifest(prompt_id) or propose_manifest(prompt_id, previous)
        return PromptCandidate(text, manifest, previous)

    def _guard_all(self, texts: Mapping[str, str], why: PromotionReason) -> None:
        for prompt_id, text in texts.items():
            self._guard(self._candidate(prompt_id, text), why)

    def _guard(self, candidate: PromptCandidate, why: PromotionReason) -> None:
        refusals = check_prompt(candidate)
        if not refusals:
            return
        codes = [one.code.value for one in refusals]
        row = {"when": why.when, "prompt": candidate.manifest.id, "codes": codes}
        append_row(self.files.root / "refusals.jsonl", row | {"actor": why.actor.name})
        reasons = "; ".join(f"{one.code.value}: {one.text}" for one in refusals)
        raise PromotionRefused(f"The guard refuses {candidate.manifest.id!r}: {reasons}.")

    def _move(
        self,
        kind: PromotionKind,
        texts: Mapping[str, str],
        verdicts: Mapping[str, str],
        why: PromotionReason,
    ) -> PromotionRecord:
        pointer = self.files.read_pointer()
        parent = pointer.to_snapshot if pointer else ""
        before = self.files.read_snapshot(parent).prompts if parent else {}
        changed = {prompt_id: self.files.write_version(text) for prompt_id, text in texts.items()}
        if parent and all(before.get(prompt_id) == d for prompt_id, d in changed.items()):
            raise PromotionRefused(f"{', '.join(sorted(texts))}: this text is current already.")
        forced = tuple(sorted(texts)) if kind is PromotionKind.FORCE else ()
        snapshot = Snapshot(
            prompts={**before, **changed},
            parent=parent,
            actor=why.actor.name,
            reason=why.text,
            verdicts=dict(verdicts),
            forced=forced,
            created=why.when,
        )
        return self._record(kind, self.files.write_snapshot(snapshot), why, snapshot)

    def _record(
        self, kind: PromotionKind, to: str, why: PromotionReason, made: Snapshot | None = None
    ) -> PromotionRecord:
        before = self.files.read_pointer()
        row = PromotionRecord(
            sequence=before.sequence + 1 if before else 1,
            kind=kind,
            from_snapshot=before.to_snapshot if before else "",
            to_snapshot=to,
            actor=why.actor,
            reason=why.text,
            verdicts=made.verdicts if made else {},
            forced=made.forced if made else (),
            when=why.when,
            previous_row=before.digest if before else "",
        )
        self.files.move_pointer(row)
        return row


def verify_registry(files: PromptFiles, find_verdict: FindVerdict) -> list[str]:
    """Every fault of the chain: rows, pointer, snapshots, versions and verdicts; [] where whole.

    Takes the lock, and so completes what a killed process has left.
    """
    with files.hold():
        rows, pointer = files.read_journal(), files.read_pointer()
        faults = find_chain_faults(rows)
        if (rows[-1] if rows else None) != pointer:
            faults.append("the pointer is not the journal's last row")
        for row in rows:
            faults += _find_row_faults(files, row, find_verdict)
    return faults


def _find_row_faults(
    files: PromptFiles, row: PromotionRecord, find_verdict: FindVerdict
) -> list[str]:
    try:
        snapshot = files.read_snapshot(row.to_snapshot)
        texts = {name: files.read_version(d) for name, d in snapshot.prompts.items()}
        parent = files.read_snapshot(snapshot.parent).prompts if snapshot.parent else {}
    except StoreError as error:
        return [f"row {row.sequence}: {error}"]
    faults = []
    changed = {name for name, digest in snapshot.prompts.items() if parent.get(name) != digest}
    if row.kind is PromotionKind.FORCE and changed != set(row.forced):
        faults.append(f"row {row.sequence}: changes more than the forced prompt")
    if row.kind is PromotionKind.PROMOTE:
        for name in sorted(changed):
            verdict_id = row.verdicts.get(name, "")
            try:
                check_verdict(name, texts[name], verdict_id, find_verdict(verdict_id))
            except PromotionRefused as error:
                faults.append(f"row {row.sequence}: {error}")
    return faults
