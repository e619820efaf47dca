"""A lab with a registry whose history has every kind of row, and texts that are hostile."""

import json
from pathlib import Path
from typing import Any

from prompt_lab.names import Outcome, Side
from prompt_lab.prompts.snapshots import Actor, ActorKind, TrialVerdict, digest_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry

ID = "master_system_core"
PERSON = Actor(name="ann", kind=ActorKind.PERSON)
WORKER = Actor(name="prompt-lab", kind=ActorKind.WORKER)
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
QUERY = "Answer the question in one sentence, and name the source.\n" * 5


def write_text(mark: str) -> str:
    """A text that the guard lets pass, over several lines."""
    lines = [f"You are the assistant of a factory. {mark}", "{{PLAYBOOKS}}"]
    return "\n".join([*lines, *(f"{n}. Name the machine and the shift." for n in range(1, 9))])


def why(text: str, day: int, actor: Actor = PERSON) -> PromotionReason:
    return PromotionReason(actor, text, f"2026-03-{day:02d}T09:00:00.000Z")


def write_iteration(lab: Lab, name: str, text: str, outcome: Outcome = Outcome.YES) -> None:
    """An iteration with a verdict about that text, and a report."""
    folder = lab.analysis / name
    folder.mkdir(parents=True)
    sides = {side.value: {"prompt_sha256": digest_text(text)} for side in Side}
    (folder / "verdict_facts.json").write_text(json.dumps({"sides": sides}))
    numbers: dict[str, Any] = dict.fromkeys(("effect", "interval", "effect_size", "p_value"))
    numbers |= dict.fromkeys(("n_plans", "n_pairs", "calls", "calls_planned", "look", "looks"), 1)
    reason = {"code": "better", "text": "Better on the sealed plans."}
    rest = {"reasons": [reason], "alpha": 0.05, "method": "m", "seed": 1, "fingerprint": ""}
    (folder / "verdict.json").write_text(json.dumps({"outcome": outcome, **numbers, **rest}))
    (folder / "report.html").write_text(f"<h1>report of {name}</h1>")


def find_any(verdict_id: str) -> TrialVerdict | None:
    """For registries whose promotions are not the point: YES for the text after the ':'."""
    digest = verdict_id.partition(":")[2]
    return TrialVerdict(verdict_id, Outcome.YES, digest) if digest else None


def make_lab(root: Path) -> PromptRegistry:
    """Import, promote, promote, roll back, force: the current text of ID is the forced one."""
    lab = Lab(root)
    texts = {mark: write_text(mark) for mark in ("first", "second", HOSTILE)}
    write_iteration(lab, "3_triage", texts["second"])
    verdicts = {"3_triage": TrialVerdict("3_triage", Outcome.YES, digest_text(texts["second"]))}
    registry = PromptRegistry(PromptFiles(root / "prompts"), verdicts.get)
    first = registry.import_texts(
        {ID: texts["first"], "query": QUERY}, {}, why("from the agent", 1)
    )
    registry.promote({ID: texts["second"]}, {ID: "3_triage"}, why("#12: name the shift", 2, WORKER))
    registry.roll_back(first.to_snapshot, why("night shift complained", 3))
    registry.force(ID, texts[HOSTILE], why(f"outage {HOSTILE}", 4))
    lab.index.write_text("<h1>All iterations</h1>")
    return registry
