"""A lab with prompts, steps that ask their challenge sets, and outcomes on a simulated clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml

from pipeline.wiring import open_context
from prompt_lab.clock import write_time
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome
from prompt_lab.outcomes import CallOutcome
from prompt_lab.ports.outcome_store import OutcomeStore
from prompt_lab.promptops.arms import choose_arm
from prompt_lab.promptops.canary import running_canaries
from prompt_lab.promptops.idle import DayUse
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.rounds import TRIED, RoundCandidate, TriedVariants, rounds_folder
from prompt_lab.promptops.worker import TrialPlan
from prompt_lab.prompts.snapshots import Actor, ActorKind, TrialVerdict, digest_text
from prompt_lab.store.files import write_record
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.memory_stores import MemoryOutcomes

ONE_LOOK = {
    "rule_version": 3,
    "test": "sign_flip",
    "looks": 1,
    "max_plans": 100,
    "verify": "off",
    "simpler_margin": None,
    "ledger": {"control": "planned", "budget": 0.04, "iterations": 1},
}
"""A policy that decides a trial with few plans at one look."""
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
EDITOR = Actor(name="the editor", kind=ActorKind.PERSON)
TEXT = (
    "Answer the question of a customer about {topic}. Use the sources that follow the question.\n"
    "Name the source that an answer rests on. Write in whole sentences, and be polite.\n"
    "Where the sources say nothing about it, say so. Never guess a number, a place or a name.\n"
)


def at(hours: float) -> str:
    """So many hours after the beginning."""
    return write_time(BEGIN + timedelta(hours=hours))


def make_lab(root: Path, prompts: Sequence[str], **promptops: Any) -> LabContext:
    """A lab with a step for each prompt, a target that holds them, and a scripted model."""
    paths = {name: f"prompts/{name}.txt" for name in prompts}
    entries: dict[str, dict[str, Any]] = {
        "targets/service": {"repository": "target", "registry": paths},
        "models/exact": {
            "provider": "scripted",
            "id": "by-rule",
            "deterministic": True,
            "settings": {"temperature": 0, "extra": {"rules": [{"answer": "ok"}]}},
        },
        "lab": {
            "step": prompts[0],
            "models": ["exact"],
            "policy": "strict",
            "promptops": promptops,
        },
    }
    for name in prompts:
        entries[f"steps/{name}"] = {
            "adapter": "prompted_question",
            "target": "service",
            "prompt": paths[name],
            "inputs": [f"{name}.question.txt"],
            "outputs": ["answer.txt"],
            "score": "composite",
            "primary": "composite",
        }
    for name, content in entries.items():
        path = root / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return open_context(root, root / "configs")


@dataclass
class Trials:
    """Verdicts of simulated trials: a YES exactly where the candidate's true success is higher.

    `truth`: sha256 of a text -> its true share of successes; `gain` is what a variant of an
    operator adds to its parent's; `seconds` a call takes before and after.
    """

    truth: dict[str, float]
    gain: Mapping[str, float]
    verdicts: dict[str, TrialVerdict] = field(default_factory=dict)
    is_down: bool = False
    seconds: tuple[float, float] = (0.2, 0.2)

    def prepare(
        self, _run: OptimizerRun, step: str, candidates: Sequence[RoundCandidate]
    ) -> TrialPlan:
        """A trial of 300 calls; each candidate gets its truth."""
        for one in candidates:
            before = self.truth[one.provenance.parent]
            better = min(0.98, max(0.0, before + self.gain.get(one.provenance.operator, 0.0)))
            self.truth.setdefault(one.sha256, better)
        return TrialPlan(step, len(self.verdicts) + 1, DayUse(300, 0.0))

    def finish(self, run: OptimizerRun, name: str) -> bool:
        """Write the round's tried.json; False where the provider is down."""
        if self.is_down:
            return False
        proposed = run.read_proposed(name)
        best = max(proposed.sound, key=lambda one: self.truth[one.sha256])
        before = self.truth[best.provenance.parent]
        is_better = self.truth[best.sha256] > before
        verdict_id = f"{len(self.verdicts) + 1}_{proposed.step}"
        outcome = Outcome.YES if is_better else Outcome.NO
        self.verdicts[verdict_id] = TrialVerdict(
            verdict_id, outcome, best.sha256, proposed.prompt_id
        )
        tried = TriedVariants(
            when=run.now,
            outcome=outcome,
            verdict_id=verdict_id if is_better else "",
            candidate=best.sha256,
            text="simulated",
            seconds_before=self.seconds[0],
            seconds_after=self.seconds[1],
            plans=40,
            alpha=0.002,
            calls=300,
        )
        write_record(rounds_folder(run.context.lab) / name / TRIED, tried)
        return True


class ServiceWorld:
    """A service whose calls succeed by the truth of the text that they were served."""

    def __init__(
        self,
        root: Path,
        success: Mapping[str, float],
        *,
        gain: Mapping[str, float],
        seed: int = 1,
        store: OutcomeStore | None = None,
        **promptops: Any,
    ) -> None:
        """`success`: prompt id -> the true share of its first text."""
        self.context = make_lab(root, list(success), **promptops)
        self.texts = {name: TEXT.format(topic=name) for name in success}
        self.trials = Trials({digest_text(self.texts[n]): p for n, p in success.items()}, gain)
        self.registry = PromptRegistry(
            PromptFiles(self.context.lab.root / "prompts"), self.trials.verdicts.get
        )
        self.registry.import_texts(self.texts, {}, PromotionReason(EDITOR, "as it was", at(0)))
        self.store: OutcomeStore = store if store is not None else MemoryOutcomes()
        self.rng = Random(seed)
        self.calls = 0

    def run_at(self, hours: float) -> OptimizerRun:
        """The optimizer at a time."""
        return OptimizerRun(self.context, self.store, self.registry, at(hours))

    def serve(self, hours: float, number: int) -> None:
        """So many calls, one after the other, in the ten minutes before a time."""
        self.store.add(self._calls(hours, number))

    def _calls(self, hours: float, number: int) -> Iterable[CallOutcome]:
        current = self.registry.read_current()[1].prompts
        canaries = {one.prompt_id: one for one in running_canaries(self.context.lab)}
        names = sorted(self.texts)
        for place in range(number):
            self.calls += 1
            name = self.rng.choice(names)
            unit = f"user {self.calls}"
            canary = canaries.get(name)
            arm = choose_arm(canary, unit) if canary is not None else ""
            variant = canary.candidate if canary and arm == "canary" else current[name]
            question = self.rng.randrange(300)
            yield CallOutcome(
                trace=f"t{self.calls:07}",
                when=at(hours + (place + 1) / number / 6.1 - 1 / 6),
                prompt_id=name,
                task_class=name,
                variant=variant,
                arm=arm,
                unit=unit,
                success=self.rng.random() < self.trials.truth[variant],
                latency_ms=200.0 + 100 * self.rng.random(),
                question=_QUESTIONS[question],
                expected={"expects_any": [f"answer {question}"]},
                sources=(f"The answer {question} is in this source.",),
            )


_WORDS = ("boiler", "press", "mixer", "crane", "oven", "saw", "lathe", "robot", "pump", "dryer")
_QUESTIONS = [
    f"What did the {_WORDS[n % 10]} and the {_WORDS[n // 10 % 10]} do in week {n} of year {n * 7}?"
    for n in range(300)
]
