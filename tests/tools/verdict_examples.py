"""The two worked examples of docs/verdicts.md: trials in a world whose truth is known."""

from dataclasses import dataclass, field

import numpy as np

from prompt_lab.decide.calibrate.worlds import World, means, scores
from prompt_lab.decide.verdict import Evidence, Pair, Policy, RunCell, Trial, Verdict

MODELS = ("haiku", "llama")
POLICY = Policy(max_plans=100, verify="required")


@dataclass
class Look:
    """One look of a trial: after how many plans, and the mean difference then."""

    number: int
    plans: int
    runs: int
    mean: float
    verdict: Verdict | None


@dataclass
class Example:
    """A candidate whose true gain is known, tried look by look, then on verify plans."""

    truth: float
    seed: int
    looks: list[Look] = field(default_factory=list)

    def run(self) -> "Example":
        """Do what a lab does: run what the trial asks for, until it has its verdict."""
        rng = np.random.default_rng(self.seed)
        pairs = _pairs(self.truth, POLICY.max_plans, "train", rng)
        self.trial = Trial(POLICY, MODELS, sorted({cell.plan for cell in pairs}))
        self.differences = self._by_plan(pairs)
        while self.trial.verdict is None:
            verdict = self.trial.update([pairs[cell] for cell in self.trial.next_batch()])
            plans = self.trial.design.counts[len(self.looks)]
            mean = float(self.differences[:plans].mean())
            runs = 2 * len(MODELS) * plans
            self.looks.append(Look(len(self.looks) + 1, plans, runs, mean, verdict))
        self.first = self.trial.verdict
        self.verdict = self.first
        if self.first.needs_verify:
            verify = _pairs(self.truth, POLICY.max_plans, "verify", rng)
            evidence = Evidence(verify_pairs=tuple(verify.values()))
            self.verdict = self.trial.conclude_with(evidence)
        return self

    def _by_plan(self, pairs: dict[RunCell, Pair]) -> np.ndarray:
        """Mean difference of each plan, in the order in which the trial takes them."""
        rows = [[pairs[RunCell(m, plan, 0)] for m in MODELS] for plan in self.trial.plans]
        return np.array([np.mean([p.candidate - p.baseline for p in row]) for row in rows])  # type: ignore[operator]


def _pairs(truth: float, plans: int, name: str, rng: np.random.Generator) -> dict[RunCell, Pair]:
    world = World(name=name, plans=plans, models=len(MODELS), effect=truth, alike=0.3)
    logits = rng.normal(size=(1, plans)) * world.difficulty
    sides = [scores(world, mean, rng)[0] for mean in means(world, logits, rng)]
    cells = [RunCell(m, f"{name}_{n:03d}", 0) for n in range(plans) for m in MODELS]
    values = zip(*(side.reshape(-1) for side in sides), strict=True)
    return {c: Pair(*c, float(a), float(b)) for c, (a, b) in zip(cells, values, strict=True)}
