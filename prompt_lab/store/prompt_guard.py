"""The guard of a registry: its manifests, its current texts, the lab's plans, and a log."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from prompt_lab.prompts.guard import PromptCandidate, Refusal, check_prompt
from prompt_lab.prompts.manifest import PromptManifest, propose_manifest
from prompt_lab.prompts.snapshots import Actor, PromotionRefused
from prompt_lab.store.files import append_row
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_plans import PlanTexts

REFUSALS = "refusals.jsonl"


class PromotionReason(NamedTuple):
    """Who moves the pointer, why and when (UTC)."""

    actor: Actor
    text: str
    when: str


class RegistryGuard:
    """What stands before every move of the pointer. `read_plans` gives what no text may quote."""

    def __init__(self, files: PromptFiles, read_plans: Callable[[], PlanTexts]) -> None:
        self._files = files
        self._read_plans = read_plans

    def check(self, prompt_id: str, text: str, previous: str) -> tuple[Refusal, ...]:
        """What the guard says of a text against the manifest and the previous version."""
        plans = self._read_plans()
        manifest = self._files.read_manifest(prompt_id) or propose_manifest(prompt_id, previous)
        return check_prompt(PromptCandidate(text, manifest, previous, plans.train, plans.sealed))

    def require(
        self, texts: Mapping[str, str], previous: Mapping[str, str], why: PromotionReason
    ) -> None:
        """Log the refusal of the first text that does not pass and raise PromotionRefused."""
        for prompt_id, text in texts.items():
            self._raise_for(prompt_id, self.check(prompt_id, text, previous[prompt_id]), why)

    def require_first(
        self,
        texts: Mapping[str, str],
        manifests: Mapping[str, PromptManifest],
        why: PromotionReason,
    ) -> None:
        """The same for texts that have no previous version yet."""
        plans = self._read_plans()
        for prompt_id, text in texts.items():
            manifest = manifests[prompt_id]
            candidate = PromptCandidate(text, manifest, None, plans.train, plans.sealed)
            self._raise_for(prompt_id, check_prompt(candidate), why)

    def log(self, prompt_id: str, refusals: tuple[Refusal, ...], why: PromotionReason) -> None:
        """Append a refusal with its codes to refusals.jsonl; the text itself is not kept."""
        codes = [one.code.value for one in refusals]
        row = {"when": why.when, "prompt": prompt_id, "codes": codes}
        append_row(self._files.root / REFUSALS, row | {"actor": why.actor.name, "reason": why.text})

    def _raise_for(
        self, prompt_id: str, refusals: tuple[Refusal, ...], why: PromotionReason
    ) -> None:
        if refusals:
            self.log(prompt_id, refusals, why)
            reasons = "; ".join(f"{one.code.value}: {one.text}" for one in refusals)
            raise PromotionRefused(f"The guard refuses {prompt_id!r}: {reasons}.")
