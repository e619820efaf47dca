"""Candidates for a prompt made of the library's templates of its task class."""

from collections.abc import Iterator, Mapping

from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.library.abstraction import ENTITY
from prompt_lab.promptops.library.templates import list_templates
from prompt_lab.promptops.records import Provenance, Variant
from prompt_lab.promptops.variants import append_lines, check_variant
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.placeholders import find_placeholders
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.layout import Lab


def make_template_variants(
    lab: Lab,
    prompt_id: str,
    text: str,
    manifest: PromptManifest,
    task_class: str,
    *,
    plans: Mapping[str, str] | None = None,
) -> list[Variant]:
    """The text with what the templates of its class added to theirs, the newest first.

    Lines with an entity or another prompt's placeholder are left out. Each passes the guard.
    [] while the library is off for the task class. Raises StoreError for a damaged template.
    """
    if not AbilitySwitches.load(lab).is_on("library", task_class):
        return []
    known = {line.strip() for line in text.split("\n")}
    found = []
    for variant, lines in _list_additions(lab, task_class):
        new = [line for line in lines if line.strip() not in known]
        if not any(line.strip().strip("#").strip() for line in new):
            continue
        made = Variant(
            prompt_id=prompt_id,
            text=append_lines(text, new),
            provenance=Provenance(
                operator="template", parent=digest_text(text), note=f"template {variant[:12]}"
            ),
        )
        if not check_variant(made, text, manifest, plans):
            found.append(made)
    return found


def _list_additions(lab: Lab, task_class: str) -> Iterator[tuple[str, list[str]]]:
    for one in reversed(list_templates(lab)):
        if one.state == "accepted" and one.task_class == task_class:
            usable = (line for line in one.additions if not ENTITY.search(line))
            yield one.lineage.variant, [line for line in usable if not find_placeholders(line)]
