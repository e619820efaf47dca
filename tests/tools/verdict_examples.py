"""The two worked examples of docs/verdicts.md: trials in a world whose truth is known."""

from dataclasses import dataclass, field

import numpy as np

from prompt_lab.decide.calibrate.worlds import World, means, scores
from prompt_lab.decide.verdict import Evidence, Pair, RunCell, Screening, Trial, Verdict, screen
from tests.prompt_lab.decide.policies import shipped

MODELS = ("haiku", "llama")
TRAIN, SEALED, REPLICATES = 30, 90, 3
POLICY = shipped("strict").model_copy(update={"replicates": REPLICATES})


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
    """A candidate whose true gain is known: screened on train plans, confirmed on sealed ones."""

    truth: float
    seed: int
    looks: list[Look] = field(default_factory=list)

    def run(self) -> "Example":
        """Do what a lab does: screen, then run what the trial asks for, until its verdict."""
        rng = np.random.default_rng(self.seed)
        train = _pairs(self.truth, TRAIN, "train", 1, rng)
        self.screening: Screening = screen(list(train.values()), POLICY)
        pairs = _pairs(self.truth, SEALED, "verify", REPLICATES, rng)
        evidence = Evidence(screening=self.screening)
        self.trial = Trial(POLICY, MODELS, sorted({cell.plan for cell in pairs}), evidence)
        self.differences = self._by_plan(pairs)
        while self.trial.verdict is None:
            verdict = self.trial.update([pairs[cell] for cell in self.trial.next_batch()])
            plans = self.trial.design.counts[len(self.looks)]
            mean = float(self.differences[:plans].mean())
            runs = 2 * len(MODELS) * REPLICATES * plans
            self.looks.append(Look(len(self.looks) + 1, plans, runs, mean, verdict))
        self.verdict = self.trial.verdict
        return self

    def _by_plan(self, pairs: dict[RunCell, Pair]) -> np.ndarray:
        """Mean difference of each plan, in the order in which the trial takes them."""
        found: dict[str, list[float]] = {plan: [] for plan in self.trial.plans}
        for pair in pairs.values():
            found[pair.plan].append((pair.candidate or 0.0) - (pair.baseline or 0.0))
        return np.array([np.mean(found[plan]) for plan in self.trial.plans])


def _pairs(
    truth: float, plans: int, name: str, replicates: int, rng: np.random.Generator
) -> dict[RunCell, Pair]:
    world = World(
        name=name, plans=plans, models=len(MODELS), replicates=replicates, effect=truth, alike=0.3
    )
    logits = rng.normal(size=(1, plans)) * world.difficulty
    sides = [scores(world, mean, rng)[0] for mean in means(world, logits, rng)]
    cells = [
        RunCell(m, f"{name}_{n:03d}", r)
        for n in range(plans)
        for m in MODELS
        for r in range(replicates)
    ]
    values = zip(*(side.reshape(-1) for side in sides), strict=True)
    return {c: Pair(*c, float(a), float(b)) for c, (a, b) in zip(cells, values, strict=True)}
