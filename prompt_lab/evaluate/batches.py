"""Plan the runs of a batch: which are made, which are reused, which are made again as a probe."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from math import ceil

from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Side, Split
from prompt_lab.store.batch import PlannedRun

FEWEST_PROBES = 8
"""With fewer plans no outcome of the drift test could be called a drift."""


@dataclass(frozen=True)
class BatchRequest:
    """What is to be compared. `sources` is side -> (path in the target -> blob id)."""

    step: str
    split: Split
    models: Sequence[ModelConfig]
    plans: Mapping[str, str]
    """name -> digest of its inputs and gold."""
    sources: Mapping[Side, Mapping[str, str]]
    replicates: int
    adapter_digest: str
    drift_sample: float


def content_key(request: BatchRequest, side: Side, model: ModelConfig, plan: str, *, n: int) -> str:
    """sha256 of all that decides a run's answer and score. Equal keys may share a run."""
    identity = {
        "step": request.step,
        "adapter": request.adapter_digest,
        "sources": dict(sorted(request.sources[side].items())),
        "model": [model.alias, model.provider, model.id, model.base_url],
        "settings": model.settings.model_dump(mode="json"),
        "plan": request.plans[plan],
        "replicate": n,
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def seed_of(plan: str, replicate: int) -> int:
    """The seed of a run, from 0 to 2**31 - 1. One seed for all plans would make them dependent."""
    return int.from_bytes(sha256(f"{plan}/{replicate}".encode()).digest()[:4]) >> 1


def plan_runs(
    request: BatchRequest, finished: Callable[[str, ModelConfig], str | None]
) -> list[PlannedRun]:
    """All runs, the sides of a pair next to each other so that they meet the same conditions.

    `finished` gives the path of a finished run by content key, or None. A model that samples may
    have changed since: its reused baseline gets probes, runs of the same made anew. `drift_sample`
    of them are made in any case, the first FEWEST_PROBES and some of the rest, so that a trial
    that stops early is probed too; the others only if the candidate looks better. On verify,
    which is read only then, nothing of such a model is reused.
    """
    runs = []
    for n, plan, model, side in product(
        range(request.replicates), request.plans, request.models, request.sources
    ):
        key = content_key(request, side, model, plan, n=n)
        fresh = request.split is Split.VERIFY and not model.deterministic
        path = None if fresh else finished(key, model)
        runs.append(
            PlannedRun(
                side=side,
                model=model.alias,
                plan=plan,
                replicate=n,
                path=path or "",
                content_key=key,
                reused=path is not None,
            )
        )
    return runs + _probes(request, runs)


def _probes(request: BatchRequest, runs: Iterable[PlannedRun]) -> list[PlannedRun]:
    probes: list[PlannedRun] = []
    for model in request.models:
        if model.deterministic:
            continue
        reused = [
            r for r in runs if r.model == model.alias and r.side is Side.BASELINE and r.reused
        ]
        sample = ceil(len(reused) * request.drift_sample)
        if reused and request.drift_sample > 0:
            sample = min(len(reused), max(sample, FEWEST_PROBES))
        certain = _spread(reused, sample)
        probes += [_probe(run, certain=True) for run in certain]
        probes += [_probe(run, certain=False) for run in reused if run not in certain]
    return probes


def _probe(run: PlannedRun, *, certain: bool) -> PlannedRun:
    update = {"reused": False, "probe": True, "path": "", "if_promising": not certain}
    return run.model_copy(update=update)


def _spread(reused: Sequence[PlannedRun], sample: int) -> list[PlannedRun]:
    first, rest = reused[:FEWEST_PROBES], reused[FEWEST_PROBES:]
    more = max(0, sample - len(first))
    return [*first[:sample], *(rest[len(rest) * i // more] for i in range(more))]
