"""Try a warm-up on a real model: restart its server before each arm, ask the suite, compare."""

import random
from collections.abc import Sequence
from pathlib import Path

from prompt_lab.benchmark.cold_starts import ColdStart, WarmUpValidation, validate_warm_up
from prompt_lab.benchmark.folders import WARM_UP, claim_benchmark
from prompt_lab.benchmark.harness_config import read_harness_config, save_version
from prompt_lab.benchmark.open_benchmark import read_suite
from prompt_lab.benchmark.supervisor import to_pattern
from prompt_lab.benchmark.warm_up import build_warm_up_request, warm_up_model
from prompt_lab.clock import utc_now
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.make_runs import make_run_context
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import RunKey
from prompt_lab.report.terminal import say
from prompt_lab.store.files import write_record
from prompt_lab.store.layout import NO_ITERATION


class WarmUpTrial:
    """The cold starts of one model on one suite.

    The plans' order is drawn again in each start and is the same in both arms; the arm that comes
    first alternates. A start that was cut off is left out: it was not one cold start any more.
    """

    def __init__(self, ctx: LabContext, suite: str, model: str, plans: int = 0) -> None:
        self.ctx, self.suite = ctx, read_suite(ctx, suite)
        [found] = ctx.choose_models([model], self.suite.step)
        if found.provider != "embedded":
            raise ConfigError(
                [
                    f"{found.alias}: only a server that Prompt Lab starts itself (provider"
                    " 'embedded') can be restarted for a cold start"
                ]
            )
        self.model = found.alias
        self.plans = self.suite.plans[: plans or len(self.suite.plans)]
        self.number, self.folder = claim_benchmark(ctx.lab, f"warm_up_{suite}")
        target = ctx.target(ctx.step(self.suite.step).target)
        self._workspace = ctx.workspace(target.name)
        self._commit = self._workspace.resolve(target.main)

    def run(self, starts: int, *, seed: int) -> WarmUpValidation:
        """Make the starts one by one, and write WARM_UP_VALIDATION_RESULTS.json."""
        done: list[ColdStart] = []
        for start in range(starts):
            order = list(self.plans)
            random.Random(f"{seed}/{start}").shuffle(order)
            arms = ("cold", "warm") if start % 2 == 0 else ("warm", "cold")
            patterns = {arm: self._ask(start, arm, order) for arm in arms}
            done.append(ColdStart(start=start, **patterns))
            say(f"cold start {start + 1} of {starts}: {done[-1].cold} -> {done[-1].warm}")
        found = validate_warm_up(self.model, self.suite.name, done)
        write_record(self.folder / WARM_UP, found)
        return found

    def _ask(self, start: int, arm: str, order: Sequence[str]) -> str:
        """Restart, warm up or not, and ask every plan once, one after the other."""
        experiment = Experiment(self.ctx, self.suite.step, NO_ITERATION)
        name = f"warm_up_{self.number}_{start}_{arm}"
        commits = {Side.BASELINE: self._commit}
        batch = batch_for(
            experiment,
            BatchOrder(name, Split.TRAIN, commits, [self.model], tuple(sorted(order)), 1),
            reuse=False,
        )
        by_key = batch.by_key()
        context = make_run_context(self.ctx, NO_ITERATION, self.suite.step, batch, list(by_key))
        self.ctx.llm(self.model).close()
        if arm == "warm":
            self._warm_up(self._workspace.worktree(self._commit))
        passes = []
        for plan in order:
            key = RunKey(Split.TRAIN, Side.BASELINE, self.model, plan, 0)
            record = context.run(key, by_key[key])
            passes.append(passed(record.scores, self.suite, context.primary))
        return to_pattern(passes)

    def _warm_up(self, worktree: Path) -> None:
        config = read_harness_config(self.ctx).warm_up
        plan = self.ctx.lab.plans(Split.TRAIN) / self.plans[0]
        adapter = self.ctx.adapter(self.suite.step)
        request = build_warm_up_request(adapter, worktree, plan, config)
        result = warm_up_model(self.model, self.ctx.llm(self.model), request, config.seconds)
        say(f"  {result.message}")


def passed(scores: dict[str, float], suite: SuiteConfig, primary: str) -> bool:
    """Whether an answer's scores pass the suite."""
    return scores.get(suite.scorer or primary, 0.0) >= suite.pass_score


def adopt_warm_up(ctx: LabContext, found: WarmUpValidation) -> bool:
    """Make the warm-up a model's default where the engine said YES. Whether it did."""
    if found.outcome is not Outcome.YES:
        return False
    models = read_harness_config(ctx).warm_up.models
    if found.model not in models:
        changes = {"warm_up": {"models": [*models, found.model]}}
        save_version(ctx, changes, actor="warm-up test", reason=found.reason, now=utc_now())
    return True
