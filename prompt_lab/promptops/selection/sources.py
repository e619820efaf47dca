"""The files that the selector works by: switches, pauses, evidence, and promoted texts."""

import logging
from datetime import timedelta
from typing import NamedTuple

from prompt_lab.clock import read_time, write_time
from prompt_lab.config.promptops import SelectorConfig
from prompt_lab.errors import LabError
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.selection.candidates import (
    PausedVariants,
    find_alternatives,
    read_paused,
    selection_folder,
)
from prompt_lab.promptops.selection.evidence import count_evidence
from prompt_lab.promptops.selection.pareto import ParetoTable, tabulate_variants
from prompt_lab.promptops.selection.records import SelectionEvidence
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles

EVIDENCE, PARETO = "evidence.json", "pareto.json"
_log = logging.getLogger("prompt_lab.promptops")


class SelectionSources(NamedTuple):
    """What the files say. `classes` are the task classes in which the selector is on."""

    classes: frozenset[str]
    paused: PausedVariants
    evidence: SelectionEvidence

    def read_alternatives(self, files: PromptFiles, prompt_id: str, current: str) -> dict[str, str]:
        """version -> text of what may be served beside the current text.

        None where the registry's history cannot be read, which is logged.
        """
        paused = self.paused.list_variants(prompt_id)
        try:
            names = find_alternatives(files, prompt_id, current, paused)
            return {name: files.read_version(name) for name in names}
        except LabError as error:
            _log.warning("only the current text of %r is served: %s", prompt_id, error)
            return {}


def read_sources(lab: Lab) -> SelectionSources:
    """Read them. Raises StoreError where the file of pauses is damaged.

    Damaged switches are as none on, damaged evidence as none.
    """
    classes = _find_classes(lab)
    known = _read_evidence(lab) if classes else None
    return SelectionSources(classes, read_paused(lab), known or SelectionEvidence())


def update_evidence(
    lab: Lab, store: OutcomeStore, config: SelectorConfig, *, now: str
) -> SelectionEvidence | None:
    """Count the outcomes of the last days again and write them; None where the selector is off.

    The file is written only where a count has changed. Raises StoreError.
    """
    classes = _find_classes(lab)
    if not classes:
        return None
    begin = write_time(read_time(now) - timedelta(days=config.evidence_days))
    outcomes = [one for one in store.since(begin) if one.task_class in classes]
    found = count_evidence(outcomes, now)
    before = _read_evidence(lab)
    if before is None or before.groups != found.groups:
        write_record(selection_folder(lab) / EVIDENCE, found)
        table = ParetoTable(when=now, rows=tuple(tabulate_variants(outcomes)))
        write_record(selection_folder(lab) / PARETO, table)
    return found


def _find_classes(lab: Lab) -> frozenset[str]:
    """The task classes in which the selector is on."""
    entries = AbilitySwitches.load(lab).find_entries("selector")
    return frozenset(one.task_class for one in entries)


def _read_evidence(lab: Lab) -> SelectionEvidence | None:
    return read_if_whole(selection_folder(lab) / EVIDENCE, SelectionEvidence)


def read_pareto(lab: Lab) -> ParetoTable:
    """The table of the last count; empty where there is none. A damaged one is as none."""
    found = read_if_whole(selection_folder(lab) / PARETO, ParetoTable)
    return found or ParetoTable(when="", rows=())
