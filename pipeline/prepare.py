"""Prepare: fix what the iteration will do before anything is called. Writes meta.json."""

from collections.abc import Sequence

from adapters.workspace.lab_repository import LabRepository
from pipeline.base import Phase, utc_now
from pipeline.params import names
from pipeline.past import last_synthesis
from prompt_lab.errors import ConfigError
from prompt_lab.names import Split
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta, read_meta
from prompt_lab.store.plans import choose_plans, plan_names


class Prepare(Phase):
    """Check everything that can be checked without a call, and write the iteration down."""

    FILE = "meta.json"

    def complete(self) -> bool:
        """Prepared, and by flags that say the same. Raises ConfigError where they differ."""
        meta = read_if_whole(self.folder / self.FILE, IterationMeta)
        if meta is None:
            return False
        self._refuse_other_flags(meta)
        return True

    def work(self) -> None:
        """Gather names, check them, write meta.json."""
        meta = prepared(self)
        LabRepository(self.ctx.lab.root).ensure()
        self.write(meta.model_dump_json(indent=2) + "\n")

    def _refuse_other_flags(self, meta: IterationMeta) -> None:
        by_short = {m.short: a for a, m in self.ctx.models.items() if m.short}
        wanted = tuple(by_short.get(n, n) for n in self.model_names)
        pairs: list[tuple[str, object, object]] = [
            ("--models", wanted, meta.models),
            ("--plans", names(self.plans), meta.plans[Split.TRAIN]),
            ("--replicates", self.replicates, meta.replicates),
            ("--branch or --pr", self.given, meta.given),
        ]
        faults = [
            f"{flag}: iteration {self.number} was prepared with {was!r}, not {now!r}: leave the "
            "flag out to go on with it, or name a new iteration with --number"
            for flag, now, was in pairs
            if now and now != was
        ]
        if faults:
            raise ConfigError(faults)


def prepared(phase: Phase) -> IterationMeta:
    """What an iteration with these flags would do. Reads; writes nothing.

    Raises the LabError of the first thing that is wrong: a model, a plan, the target.
    """
    existing = read_if_whole(phase.folder / "meta.json", IterationMeta)
    if existing is not None:
        return read_meta(phase.ctx.lab, phase.number, phase.step)
    ctx, defaults = phase.ctx, phase.ctx.defaults
    step = ctx.step(phase.step)
    target = ctx.target(step.target)
    policy = ctx.policy(defaults.policy)
    models = ctx.choose_models(phase.model_names or defaults.models)
    train = train_plans(phase, defaults.train_plans)
    verify = _plans(phase, Split.VERIFY)[: defaults.verify_plans]
    workspace = ctx.workspace(step.target)
    workspace.check()
    return IterationMeta(
        iteration=phase.number,
        step=phase.step,
        created=utc_now(),
        models=tuple(m.alias for m in models),
        plans={Split.TRAIN: tuple(train), Split.VERIFY: tuple(verify)},
        replicates=phase.replicates or defaults.replicates,
        policy=defaults.policy,
        target=step.target,
        main=target.main,
        main_commit=workspace.resolve(target.main),
        given=phase.given,
        analysts=defaults.analysts,
        judged_by=policy,
        last_synthesis=last_synthesis(ctx.lab, phase.step, before=phase.number),
    )


def train_plans(phase: Phase, most: int) -> Sequence[str]:
    """The train plans that --plans names, or the first ones."""
    available = _plans(phase, Split.TRAIN)
    wanted = names(phase.plans)
    if wanted:
        return choose_plans(available, wanted, phase.ctx.lab.plans(Split.TRAIN))
    return available[:most]


def _plans(phase: Phase, split: Split) -> list[str]:
    return plan_names(phase.ctx.lab, phase.ctx.adapter(phase.step).inputs, split=split)
