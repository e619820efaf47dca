"""The variants of a prompt that may be served: promoted, not rolled back, not paused.

promptops/selection/paused.json holds what persons paused. A paused text is never served, not even
where it is the current one: callers then get their own prompt.
"""

from collections.abc import Mapping
from pathlib import Path

from prompt_lab.errors import StoreError
from prompt_lab.promptops.canary import is_forced
from prompt_lab.promptops.journal import note
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verify import iterate_changes

FIX = "Restore it from the lab's git history; until then no variant is chosen"


class PausedVariant(Record):
    """One paused text, by whom, when and why."""

    variant: str
    actor: str
    reason: str
    when: str


class PausedVariants(Record):
    """promptops/selection/paused.json: prompt id -> paused texts."""

    version: int = VERSION
    prompts: dict[str, tuple[PausedVariant, ...]] = {}

    def list_variants(self, prompt_id: str) -> frozenset[str]:
        """The paused versions of a prompt."""
        return frozenset(one.variant for one in self.prompts.get(prompt_id, ()))


def selection_folder(lab: Lab) -> Path:
    """Where evidence and pauses are."""
    return lab.root / "promptops" / "selection"


def read_paused(lab: Lab) -> PausedVariants:
    """What is paused. Raises StoreError for a damaged file."""
    path = _paused_file(lab)
    return read_record(path, PausedVariants, fix=FIX) if path.exists() else PausedVariants()


def pause_variant(
    lab: Lab, registry: PromptRegistry, prompt_id: str, one: PausedVariant
) -> PausedVariants:
    """Take a text out of service at once; one that is paused already stays so.

    Raises UnknownName for an unknown prompt, StoreError for a text that it never had.
    """
    registry.read_text(prompt_id)
    registry.files.read_version(one.variant)
    paused = read_paused(lab)
    if one.variant in paused.list_variants(prompt_id):
        return paused
    rows = (*paused.prompts.get(prompt_id, ()), one)
    return _write(lab, paused, prompt_id, rows, one, "variant_paused")


def resume_variant(lab: Lab, prompt_id: str, one: PausedVariant) -> PausedVariants:
    """Let a paused text be served again. Raises StoreError where it is not paused."""
    paused = read_paused(lab)
    rows = paused.prompts.get(prompt_id, ())
    rest = tuple(row for row in rows if row.variant != one.variant)
    if len(rest) == len(rows):
        raise StoreError(
            f"{prompt_id!r}: {one.variant[:12]!r} is not paused. `prompt-lab promptops selector`"
            " lists what is."
        )
    return _write(lab, paused, prompt_id, rest, one, "variant_resumed")


def find_promoted(files: PromptFiles, prompt_id: str) -> tuple[str, ...]:
    """The versions that were current by an import or a verdict and were not rolled back.

    Sorted. A version that was rolled back is in again only after another promotion of it.
    """
    found: set[str] = set()
    for row, changes in iterate_changes(files):
        before, after = changes.get(prompt_id, ("", ""))
        if row.kind is PromotionKind.ROLLBACK:
            found.discard(before)
        elif row.kind is PromotionKind.FORCE:
            found.discard(after)
        else:
            found.add(after)
    return tuple(sorted(found - {""}))


def find_alternatives(
    files: PromptFiles, prompt_id: str, current: str, paused: frozenset[str]
) -> tuple[str, ...]:
    """What the selector may serve beside the current text; () where a person forced that one."""
    if is_forced(files, prompt_id, current):
        return ()
    promoted = find_promoted(files, prompt_id)
    return tuple(one for one in promoted if one != current and one not in paused)


def _write(
    lab: Lab,
    paused: PausedVariants,
    prompt_id: str,
    rows: tuple[PausedVariant, ...],
    one: PausedVariant,
    event: str,
) -> PausedVariants:
    prompts: Mapping[str, tuple[PausedVariant, ...]] = {**paused.prompts, prompt_id: rows}
    after = paused.model_copy(update={"prompts": {k: v for k, v in prompts.items() if v}})
    write_record(_paused_file(lab), after)
    text = f"{one.variant[:12]} by {one.actor}: {one.reason}"
    note(lab, event, one.when, prompt_id=prompt_id, variant=one.variant, text=text)
    return after


def _paused_file(lab: Lab) -> Path:
    return selection_folder(lab) / "paused.json"
