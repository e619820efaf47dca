"""What the contract API serves: registered prompts by task class, and canaries, kept in memory.

Two threads follow the files, `Prompts` the registry's pointer and one here the canaries; each
change makes a new table, so that a reader takes no lock and never sees half of a change.
"""

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from prompt_lab.errors import LabError, StoreError
from prompt_lab.promptops.compose import ComposedText, compose_text
from prompt_lab.promptops.records import Canary
from prompt_lab.promptops.selection.candidates import selection_folder
from prompt_lab.promptops.selection.records import SelectionEvidence
from prompt_lab.promptops.selection.sources import SelectionSources, read_sources
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.store.files import disk_errors, read_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_reader import WATCH_SECONDS, PromptAnswer, Prompts

SWITCHES = "abilities.json"
_Sign = frozenset[tuple[str, int, int, int]]
_log = logging.getLogger("prompt_lab.promptops")


@dataclass(frozen=True)
class ServedPrompt:
    """One registered prompt as it is served now; `candidate` only while its canary runs."""

    answer: PromptAnswer
    text: ComposedText
    task_class: str = ""
    intent: str = ""
    canary: Canary | None = None
    candidate: ComposedText | None = None
    candidate_text: str = ""
    alternatives: Mapping[str, tuple[ComposedText, str]] = field(default_factory=dict)
    """Other promoted texts by their version, where the selector is on for its task class."""
    is_paused: bool = False


@dataclass(frozen=True)
class ServedTable:
    """All of them; `fault` says why there are none."""

    prompts: Mapping[str, ServedPrompt] = field(default_factory=dict)
    by_class: Mapping[str, tuple[ServedPrompt, ...]] = field(default_factory=dict)
    task_classes: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    selector_classes: frozenset[str] = frozenset()
    """Task classes in which the selector chooses."""
    evidence: SelectionEvidence = field(default_factory=SelectionEvidence)

    def find(self, task_class: str, intent: str = "") -> ServedPrompt:
        """The prompt of a task class. Raises ValueError with the reason where there is none.

        In this order: what `promptops: task_classes:` of lab.yaml says, the only manifest of the
        class (and of the intent, if given), the prompt whose id is the class.
        """
        if self.fault:
            raise ValueError(self.fault)
        named = self.task_classes.get(task_class)
        if named is not None:
            if named not in self.prompts:
                raise ValueError(f"task_classes: has no registered prompt {named!r}")
            return self.prompts[named]
        found = self.by_class.get(task_class, ())
        if len(found) > 1 and intent:
            found = tuple(one for one in found if one.intent == intent)
        if len(found) == 1:
            return found[0]
        if task_class in self.prompts:
            return self.prompts[task_class]
        if found:
            ids = ", ".join(one.answer.id for one in found)
            raise ValueError(
                f"several prompts have the task class {task_class!r}: {ids}; give context['intent']"
            )
        raise ValueError(f"no registered prompt has the task class {task_class!r}")


class ServedPrompts:
    """Follows a lab's registry and canaries. A lab without prompts is waited for, silently."""

    def __init__(self, lab: Lab, task_classes: Mapping[str, str]) -> None:
        self._lab = lab
        self._files = PromptFiles(lab.root / "prompts")
        self._folder = lab.root / "promptops" / "canaries"
        self._task_classes = dict(task_classes)
        self._prompts: Prompts | None = None
        self._opening, self._making = threading.Lock(), threading.Lock()
        self._closed = threading.Event()
        self._sign = self._read_sign()
        self.table = ServedTable(fault=self._open())
        self._refresh()
        self._watcher = threading.Thread(target=self._watch, name="canaries", daemon=True)
        self._watcher.start()

    def refresh(self) -> None:
        """Read registry and canaries now, not at the next look: for clocks that are simulated."""
        with self._opening:
            before = self._prompts
            self._open_or_note()
            if before is not None and before is not self._prompts:
                before.close()
        self._sign = self._read_sign()
        self._refresh()

    def close(self) -> None:
        """End the watching threads; the table stays as it is."""
        self._closed.set()
        self._watcher.join()
        if self._prompts is not None:
            self._prompts.close()

    def _open(self) -> str:
        """Open the registry; why that cannot be done, or ''."""
        if not self._files.pointer.exists():
            return f"{self._files.root}: holds no prompts"
        try:
            self._prompts = Prompts(self._lab.root, on_change=self._refresh)
        except StoreError as error:
            return str(error)
        return ""

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_SECONDS):
            try:
                self._look()
            except OSError as error:  # a folder that may not be read; the next look may be luckier
                _log.warning("prompts are served as they were: %s", error)

    def _look(self) -> None:
        if self._prompts is None:
            with self._opening:
                if self._prompts is None:
                    self._open_or_note()
            self._refresh()
        sign = self._read_sign()
        if sign != self._sign:
            self._sign = sign
            self._refresh()

    def _open_or_note(self) -> None:
        """Open the registry; where that fails, what was read before is served on."""
        fault = self._open()
        if fault and not self.table.prompts:
            self.table = ServedTable(fault=fault)

    def _refresh(self) -> None:
        if self._prompts is None:
            return
        with self._making:
            try:
                self.table = self._make_table(self._prompts)
            except LabError as error:  # what was read last is served on
                _log.warning("prompts are served as they were: %s", error)
                if not self.table.prompts:
                    self.table = ServedTable(fault=str(error))

    def _make_table(self, prompts: Prompts) -> ServedTable:
        canaries, sources = self._read_canaries(), read_sources(self._lab)
        served: dict[str, ServedPrompt] = {}
        by_class: defaultdict[str, list[ServedPrompt]] = defaultdict(list)
        for prompt_id in prompts.list_prompts():
            answer = prompts.get(prompt_id)
            manifest = self._files.read_manifest(prompt_id)
            one = self._serve(answer, manifest, canaries.get(prompt_id), sources)
            served[prompt_id] = one
            if one.task_class:
                by_class[one.task_class].append(one)
        classes = {name: tuple(several) for name, several in by_class.items()}
        return ServedTable(
            served,
            classes,
            self._task_classes,
            selector_classes=sources.classes,
            evidence=sources.evidence,
        )

    def _serve(
        self,
        answer: PromptAnswer,
        manifest: PromptManifest | None,
        canary: Canary | None,
        sources: SelectionSources,
    ) -> ServedPrompt:
        paused = sources.paused.list_variants(answer.id)
        one = ServedPrompt(
            answer,
            compose_text(answer.text, manifest),
            manifest.task_class if manifest else "",
            manifest.intent_class if manifest else "",
            is_paused=answer.version in paused,
        )
        # Another text than the canary's control is current: a person or a promotion came first.
        is_served = canary is not None and canary.control == answer.version
        if canary is not None and is_served and canary.candidate not in paused:
            try:
                text = self._files.read_version(canary.candidate)
            except StoreError as error:
                _log.warning("the canary of %r is not served: %s", answer.id, error)
                return one
            candidate = compose_text(text, manifest)
            return replace(one, canary=canary, candidate=candidate, candidate_text=text)
        if not sources.classes & self._name_classes(one):
            return one
        texts = sources.read_alternatives(self._files, answer.id, answer.version)
        composed = {name: (compose_text(text, manifest), text) for name, text in texts.items()}
        return replace(one, alternatives=composed)

    def _name_classes(self, one: ServedPrompt) -> set[str]:
        """The task classes whose calls may get this prompt."""
        named = {
            name for name, prompt_id in self._task_classes.items() if prompt_id == one.answer.id
        }
        return {one.answer.id, one.task_class, *named}

    def _read_canaries(self) -> dict[str, Canary]:
        """Those that run, by prompt id. A damaged file is as none, and logged."""
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                canary = read_record(path, Canary)
            except StoreError as error:
                _log.warning("a canary is not served: %s", error)
                continue
            if canary.state == "running":
                found[canary.prompt_id] = canary
        return found

    def _read_sign(self) -> _Sign:
        """What changes with any file that says what is served beside the registry's pointer."""
        promptops = self._folder.parent
        found = [*_read_folder(self._folder), *_read_folder(selection_folder(self._lab))]
        switches = (one for one in _read_folder(promptops) if one[0] == SWITCHES)
        return frozenset((*found, *switches))


def _read_folder(folder: Path) -> list[tuple[str, int, int, int]]:
    try:
        with disk_errors(folder), os.scandir(folder) as entries:
            return [_read_entry(one) for one in entries if one.name.endswith(".json")]
    except (StoreError, FileNotFoundError):
        return []


def _read_entry(entry: "os.DirEntry[str]") -> tuple[str, int, int, int]:
    found = entry.stat()
    return entry.name, found.st_ino, found.st_mtime_ns, found.st_size
