"""The registry as the web app's pages show it: prompts, and its journal with the verdicts."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.prompts.snapshots import PromotionRecord, Snapshot
from prompt_lab.report.words import path_href
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.sealed import shown_verdict


class PromptChange(NamedTuple):
    """One prompt's change in a row of the journal; '' where there is no text before or after.

    A git target's merge has no prompt id, and its commits stand for the texts.
    """

    prompt: str
    before: str
    after: str
    verdict: str = ""
    outcome: str = ""
    why: str = ""
    report: str = ""


class PromotionView(NamedTuple):
    """One row of the journal."""

    sequence: int
    when: str
    kind: str
    is_forced: bool
    actor: str
    actor_kind: str
    reason: str
    snapshot: str
    changes: tuple[PromptChange, ...]
    is_current: bool
    note: str = ""


class PromptView(NamedTuple):
    """A prompt's current version, and the row that made it current."""

    id: str
    digest: str
    text: str
    scope: str
    task_class: str
    owner: str
    placeholders: tuple[str, ...]
    row: PromotionView | None
    change: PromptChange | None

    @property
    def length(self) -> int:
        """In characters."""
        return len(self.text)

    @property
    def is_forced(self) -> bool:
        """Whether the current text was forced: no verdict covers it."""
        return self.row is not None and self.row.is_forced


class VersionChoice(NamedTuple):
    """A version that a prompt once had, with when it first was current."""

    digest: str
    when: str
    kind: str


class RegistryView:
    """Reads one lab's registry. Snapshots never change, so each is read once."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.files = PromptFiles(lab.root / "prompts")
        self._snapshots: dict[str, Snapshot] = {}

    def read_snapshot(self, snapshot_id: str) -> Snapshot:
        """Raises StoreError where it is missing or damaged."""
        if snapshot_id not in self._snapshots:
            self._snapshots[snapshot_id] = self.files.read_snapshot(snapshot_id)
        return self._snapshots[snapshot_id]

    def read_current_id(self) -> str:
        """The current snapshot's id; '' before the first import."""
        pointer = self.files.read_pointer()
        return pointer.to_snapshot if pointer else ""

    def list_promotions(self) -> list[PromotionView]:
        """Every row of the journal, newest first."""
        rows = self.files.read_journal()
        current = next((r.sequence for r in reversed(rows) if _moves_pointer(r)), 0)
        return [self._view_row(row, row.sequence == current) for row in reversed(rows)]

    def list_prompts(self, rows: Sequence[PromotionView]) -> list[PromptView]:
        """The current version of every prompt; `rows` as `list_promotions` gives them."""
        current = self.read_current_id()
        prompts = self.read_snapshot(current).prompts if current else {}
        return [self._view_prompt(name, prompts[name], rows) for name in sorted(prompts)]

    def read_prompt(self, prompt_id: str, rows: Sequence[PromotionView]) -> PromptView:
        """The current version of one prompt. Raises UnknownName."""
        current = self.read_current_id()
        prompts = self.read_snapshot(current).prompts if current else {}
        if prompt_id not in prompts:
            raise UnknownName("prompt", prompt_id, prompts, "the registry")
        return self._view_prompt(prompt_id, prompts[prompt_id], rows)

    def read_version(self, prompt_id: str, digest: str) -> str:
        """The text of a version that this prompt once had. Raises UnknownName."""
        known = {choice.digest for choice in list_versions(prompt_id, self.list_promotions())}
        if digest not in known:
            raise UnknownName(f"version of {prompt_id!r}", digest[:12], (), "its history")
        return self.files.read_version(digest)

    def _view_prompt(self, name: str, digest: str, rows: Sequence[PromotionView]) -> PromptView:
        made = [(r, c) for r in rows for c in r.changes if (c.prompt, c.after) == (name, digest)]
        # A rollback brings back a text with the verdict, or the force, of its first row.
        row, change = next((m for m in made if m[0].kind != "rollback"), (None, None))
        manifest = self.files.read_manifest(name)
        return PromptView(
            name,
            digest,
            self.files.read_version(digest),
            manifest.scope if manifest else "–",
            manifest.task_class if manifest else "",
            manifest.owner if manifest else "",
            tuple(rule.text for rule in manifest.placeholders) if manifest else (),
            row,
            change,
        )

    def _view_row(self, row: PromotionRecord, is_current: bool) -> PromotionView:
        try:
            changes, note = self._list_changes(row), _describe_other(row)
        except StoreError as error:
            changes, note = (), f"{error} `prompt-lab prompts verify` lists all damage."
        return PromotionView(
            row.sequence,
            row.when,
            row.kind.value,
            bool(row.forced),
            row.actor.name,
            row.actor.kind.value,
            row.reason,
            row.to_snapshot,
            changes,
            is_current,
            note,
        )

    def _list_changes(self, row: PromotionRecord) -> tuple[PromptChange, ...]:
        git = row.git
        if git is not None:
            verdict = next(iter(row.verdicts.values()), "")
            return (self._with_verdict(PromptChange("", git.before, git.after), verdict),)
        before = self.read_snapshot(row.from_snapshot).prompts if row.from_snapshot else {}
        after = self.read_snapshot(row.to_snapshot).prompts if row.to_snapshot else {}
        names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
        return tuple(
            self._with_verdict(
                PromptChange(name, before.get(name, ""), after.get(name, "")),
                row.verdicts.get(name, ""),
            )
            for name in names
        )

    def _with_verdict(self, change: PromptChange, verdict_id: str) -> PromptChange:
        if not verdict_id or "/" in verdict_id:
            return change._replace(verdict=verdict_id)
        folder = self._lab.analysis / verdict_id
        found = shown_verdict(folder)
        report = folder / "report.html"
        return change._replace(
            verdict=verdict_id,
            outcome=found.outcome.value if found else "",
            why=found.reasons[0].text if found and found.reasons else "",
            report=path_href("/lab", self._lab.relative(report)) if report.exists() else "",
        )


def list_versions(prompt_id: str, rows: Sequence[PromotionView]) -> list[VersionChoice]:
    """Every text that a prompt once had, newest first, each once."""
    found: dict[str, VersionChoice] = {}
    for row in rows:
        for change in row.changes:
            if change.prompt == prompt_id and change.after:
                found.setdefault(change.after, VersionChoice(change.after, row.when, row.kind))
    return list(found.values())


def _moves_pointer(row: PromotionRecord) -> bool:
    return row.to_snapshot != row.from_snapshot


def _describe_other(row: PromotionRecord) -> str:
    """What a row says that is no change of the snapshot: a label, or a merge in a git target."""
    git = row.git
    if git is not None:
        return f"{git.path} on {git.branch} of the target {git.target}"
    return ""
