"""Bandit worlds with a fixed seed, and how many samples it takes to know the best variant.

The same ranking, the same stopping rule and the same bookkeeping for both ways of allocation:
a world is decided at the first look at which the posterior chance that the leader is best reaches
95 %. A sample is a call that is given to another variant than the leader of that moment: what the
leader gets is what every call would get without any experiment. All calls are counted beside it.
"""

from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import NamedTuple

from prompt_lab.config.promptops import SelectorConfig
from prompt_lab.promptops.selection.evidence import GroupCounter
from prompt_lab.promptops.selection.records import SelectionContext, SelectionEvidence
from prompt_lab.promptops.selection.selector import Selector

Shares = tuple[float, ...]


class BanditWorld(NamedTuple):
    """True shares of success by task class, and after the change, if there is one.

    `look` is the number of calls between two updates of the evidence, `change_at` the call of a
    class at which the shares change.
    """

    name: str
    classes: dict[str, Shares]
    look: int
    changed: Shares = ()
    change_at: int = 0


WORLDS = (
    BanditWorld("four, 5 points apart", {"a": (0.70, 0.65, 0.60, 0.55)}, 20),
    BanditWorld("one of four far ahead", {"a": (0.80, 0.50, 0.50, 0.50)}, 10),
    BanditWorld("one of five 2 points ahead", {"a": (0.62, 0.60, 0.60, 0.60, 0.60)}, 200),
    BanditWorld(
        "another best in each class",
        {"a": (0.8, 0.6, 0.6), "b": (0.6, 0.8, 0.6), "c": (0.6, 0.6, 0.8)},
        10,
    ),
    BanditWorld(
        "the best changes at half-time",
        {"a": (0.80, 0.50, 0.50, 0.50)},
        10,
        changed=(0.50, 0.80, 0.50, 0.50),
        change_at=1500,
    ),
)


class BanditRun(NamedTuple):
    """One run, summed over classes and phases. `explored` is the largest share of a class."""

    samples: int
    calls: int
    wrong: bool
    explored: float


class Allocation(NamedTuple):
    """Sums over many runs, as means of one run."""

    samples: float
    calls: float
    errors: float
    explored: float


Choose = Callable[[Selector, SelectionContext, Sequence[str], int], str]
MOST_CALLS = 2_000_000


def choose_by_selector(
    selector: Selector, context: SelectionContext, names: Sequence[str], number: int
) -> str:
    """What is built."""
    return selector.choose(context, names[0], names).variant


def choose_uniformly(
    selector: Selector, context: SelectionContext, names: Sequence[str], number: int
) -> str:
    """Every variant in turn until the leader is known; then as the selector does."""
    ranking = selector.rank(context, names[0], names)
    if ranking.confidence >= selector.config.confidence:
        return selector.choose(context, names[0], names).variant
    return names[number % len(names)]


class _Class:
    """One class of a world while it runs."""

    def __init__(self, task_class: str, world: BanditWorld, choose: Choose, rng: Random) -> None:
        self.config = SelectorConfig(seed=rng.getrandbits(32))
        self.selector = Selector(self.config)
        self.context = SelectionContext("query", task_class)
        self.counter = GroupCounter()
        self.choose, self.look, self.rng = choose, world.look, rng
        self.calls = self.samples = self.off_leader = 0

    def find_best(self, shares: Shares, names: Sequence[str], *, until: int = 0) -> str:
        """Serve until the leader is known, and on to call `until`; what was known first."""
        known = ""
        while not known or self.calls < until:
            assert self.calls < MOST_CALLS
            leader = self.selector.rank(self.context, names[0], names).leader
            for _ in range(self.look):
                name = self.choose(self.selector, self.context, names, self.calls)
                won = self.rng.random() < shares[names.index(name)]
                self.counter.add(name, float(won))
                self.calls += 1
                self.off_leader += name != leader
                self.samples += name != leader and not known
            groups = {"query": {self.context.key: self.counter.read()}}
            self.selector.learn(SelectionEvidence(groups=groups))
            ranking = self.selector.rank(self.context, names[0], names)
            if not known and ranking.confidence >= self.config.confidence:
                known, self.known_at = ranking.leader, self.calls
        return known


def measure(world: BanditWorld, choose: Choose, *, runs: int, seed: int = 1) -> Allocation:
    """The mean of so many runs."""
    found = [run_world(world, choose, seed=seed * 100_000 + one) for one in range(runs)]
    return Allocation(
        fmean(one.samples for one in found),
        fmean(one.calls for one in found),
        fmean(one.wrong for one in found),
        max(one.explored for one in found),
    )


def run_world(world: BanditWorld, choose: Choose, *, seed: int) -> BanditRun:
    """One run: every class until its best is known, and known again after a change."""
    rng = Random(seed)
    samples = calls = 0
    wrong, explored = False, 0.0
    for task_class, shares in world.classes.items():
        # The current text, the first one, is any of them.
        places = rng.sample(range(len(shares)), len(shares))
        names = [f"v{at}" for at in range(len(shares))]
        one = _Class(task_class, world, choose, rng)
        first = tuple(shares[at] for at in places)
        found = one.find_best(first, names, until=world.change_at)
        wrong |= first[names.index(found)] != max(first)
        calls += one.known_at
        if world.changed:
            later = tuple(world.changed[at] for at in places)
            best = names[later.index(max(later))]
            calls -= one.calls
            while one.find_best(later, names) != best:
                assert one.calls < MOST_CALLS
            calls += one.known_at
        samples += one.samples
        explored = max(explored, one.off_leader / one.calls)
    return BanditRun(samples, calls, wrong, explored)
