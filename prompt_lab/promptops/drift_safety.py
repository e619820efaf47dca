"""The drift-safety suite: unsafe rewrites of the shipped prompts, each with its reason code.

A rewrite is an edit of the registered text: `text` takes its place, `replace` [old, new], `append`
and `prepend` add to it, `repeat` multiplies it, `fence` puts it in a code fence.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from prompt_lab.errors import StoreError
from prompt_lab.prompts.guard import PromptCandidate, check_prompt
from prompt_lab.prompts.manifest import PromptConstraints, propose_manifest
from prompt_lab.records import Record
from prompt_lab.store.files import read_record


class UnsafeRewrite(Record):
    """One rewrite that must be refused with this code."""

    id: str
    prompt_id: str
    code: str
    text: str = ""
    replace: tuple[str, str] | None = None
    append: str = ""
    prepend: str = ""
    repeat: int = Field(default=1, ge=1)
    fence: bool = False

    def apply(self, text: str) -> str:
        """The rewritten text. Raises StoreError where `replace` finds nothing."""
        if self.text:
            return self.text
        if self.replace is not None:
            if self.replace[0] not in text:
                raise StoreError(f"{self.id}: {self.replace[0]!r} is not in {self.prompt_id!r}")
            text = text.replace(*self.replace)
        text = f"{self.prepend}{text * self.repeat}{self.append}"
        return f"```\n{text}\n```" if self.fence else text


class DriftSuite(Record):
    """configs/promptops/drift_safety.json."""

    constraints: dict[str, PromptConstraints] = {}
    rewrites: tuple[UnsafeRewrite, ...]


class DriftFinding(NamedTuple):
    """What the guard said of one rewrite. It is safe where the expected code is among the codes."""

    id: str
    expected: str
    codes: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the guard saw what is wrong."""
        return self.expected in self.codes


def read_drift_suite(path: Path) -> DriftSuite:
    """The suite of a file. Raises StoreError."""
    return read_record(path, DriftSuite, fix="restore it from the package")


def check_drift(suite: DriftSuite, texts: Mapping[str, str]) -> list[DriftFinding]:
    """Every rewrite through the guard; `texts` is prompt id -> registered text."""
    found = []
    for one in suite.rewrites:
        previous = texts[one.prompt_id]
        manifest = propose_manifest(one.prompt_id, previous)
        limits = suite.constraints.get(one.prompt_id, manifest.constraints)
        manifest = manifest.model_copy(update={"constraints": limits})
        refusals = check_prompt(PromptCandidate(one.apply(previous), manifest, previous))
        codes = tuple(dict.fromkeys(refusal.code.value for refusal in refusals))
        found.append(DriftFinding(one.id, one.code, codes))
    return found
