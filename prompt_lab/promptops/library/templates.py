"""promptops/generated/<sha256 of the winning text>.json: what was mined, and what the gate said."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab

FIX = "Remove it; the next look at the outcomes makes it again"


class TemplateLineage(Record):
    """Where a template comes from, back to the runs of the trial that its text won."""

    variant: str = Field(description="sha256 of the winning text, a version of the registry")
    parent: str = Field(description="sha256 of the text that it replaced")
    verdict_id: str = Field(description="the trial; its runs are in analysis/<verdict id>")
    promotion: int = Field(description="row of the registry's journal")
    promoted: str = Field(description="UTC")
    operator: str = Field(default="", description="of the variant; '' where it was not recorded")
    round: str = Field(default="", description="of the optimizer; '' where a person proposed it")


class Template(Record):
    """A winning text with its entities replaced by placeholders, and the gate's decision.

    Where it was refused, texts are empty: what was wrong with them must not be kept here.
    `additions` are the lines that the winner has and its parent has not; candidates are made of
    those without entities.
    """

    version: int = VERSION
    when: str
    prompt_id: str
    task_class: str = ""
    state: Literal["accepted", "refused"]
    codes: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""
    additions: tuple[str, ...] = ()
    entities: dict[str, int] = Field(default={}, description="kind -> different ones replaced")
    calls: int = Field(default=0, description="with a known result, since the promotion")
    success: float | None = None
    success_low: float | None = Field(default=None, description="lower 95 % limit")
    lineage: TemplateLineage


def template_folder(lab: Lab) -> Path:
    """Where the templates are."""
    return lab.root / "promptops" / "generated"


def list_templates(lab: Lab) -> list[Template]:
    """All that were mined, by promotion. Raises StoreError for a damaged one."""
    found = (read_record(path, Template, fix=FIX) for path in template_folder(lab).glob("*.json"))
    return sorted(found, key=lambda one: (one.lineage.promotion, one.lineage.variant))


def write_template(lab: Lab, template: Template) -> None:
    """Keep or replace the template of its winning text."""
    write_record(template_folder(lab) / f"{template.lineage.variant}.json", template)
