"""Plan the runs of a batch: which are made, which are reused, which are made again as a probe."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product
from math import ceil
from typing import Protocol

from prompt_lab.config.models import ModelConfig
from prompt_lab.names import Side
from prompt_lab.store.batch import PlannedRun

FEWEST_PROBES = 8
"""With fewer plans no outcome of the drift test could be called a drift."""


@dataclass(frozen=True)
class BatchRequest:
    """What is to be compared. `sources` is side -> (path in the target -> blob id)."""

    step: str
    models: Sequence[ModelConfig]
    plans: Mapping[str, str]
    """name -> digest of its whole folder."""
    answer_inputs: Mapping[str, str]
    """name -> digest of what decides the answer alone."""
    sources: Mapping[Side, Mapping[str, str]]
    replicates: int
    adapter_digest: str
    """Of the code that runs and scores the step."""
    answer_digest: str
    """Of the code that runs the step."""
    drift_sample: float
    reuses_sampled: bool = True
    """Whether runs of models that sample are taken over at all."""
    replicates_of: Mapping[str, int] = field(default_factory=dict)
    """model -> its own number of replicates, where that is smaller."""


def content_key(request: BatchRequest, side: Side, model: ModelConfig, plan: str, *, n: int) -> str:
    """sha256 of all that decides a run's answer and score. Equal keys may share a run."""
    return _key(request, side, model, (request.adapter_digest, request.plans[plan], n))


def answer_key(request: BatchRequest, side: Side, model: ModelConfig, plan: str, *, n: int) -> str:
    """sha256 of all that decides a run's answer, whatever its score. Such runs share an answer."""
    return _key(request, side, model, (request.answer_digest, request.answer_inputs[plan], n))


def _key(
    request: BatchRequest, side: Side, model: ModelConfig, of_plan: tuple[str, str, int]
) -> str:
    adapter, plan, replicate = of_plan
    identity = {
        "step": request.step,
        "adapter": adapter,
        "sources": dict(sorted(request.sources[side].items())),
        "model": [model.alias, model.provider, model.id, model.base_url],
        "settings": model.settings.model_dump(mode="json"),
        "plan": plan,
        "replicate": replicate,
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def seed_of(plan: str, replicate: int) -> int:
    """The seed of a run, from 0 to 2**31 - 1. One seed for all plans would make them dependent."""
    return int.from_bytes(sha256(f"{plan}/{replicate}".encode()).digest()[:4]) >> 1


class EarlierRuns(Protocol):
    """What can be taken over from earlier batches, as paths of finished runs."""

    def find_run(self, content_key: str, model: ModelConfig) -> str | None:
        """The run whose answer and score hold, or None."""

    def find_answer(self, answer_key: str, model: ModelConfig, plan: str) -> str | None:
        """The run whose answer holds, to be scored again, or None."""


class NoEarlierRuns:
    """Nothing is taken over."""

    def find_run(self, content_key: str, model: ModelConfig) -> str | None:  # noqa: ARG002
        """None."""
        return None

    def find_answer(
        self,
        answer_key: str,  # noqa: ARG002 -- a port
        model: ModelConfig,  # noqa: ARG002
        plan: str,  # noqa: ARG002
    ) -> str | None:
        """None."""
        return None


def plan_runs(request: BatchRequest, earlier: EarlierRuns) -> list[PlannedRun]:
    """All runs, the sides of a pair next to each other so that they meet the same conditions.

    A run whose answer and score hold is reused; one whose answer alone holds, since gold or scorer
    have changed, is scored again. A model that samples may
    have changed since: its reused baseline gets probes, the same runs made again. `drift_sample`
    of them are made in any case, the first FEWEST_PROBES and some of the rest, so that a trial
    that stops early is probed too; the others only if the candidate looks better. Where
    `reuses_sampled` is False, nothing of such a model is reused.
    """
    runs = []
    for n, plan, model, side in product(
        range(request.replicates), request.plans, request.models, request.sources
    ):
        if n >= request.replicates_of.get(model.alias, request.replicates):
            continue
        key = content_key(request, side, model, plan, n=n)
        fresh = not (request.reuses_sampled or model.deterministic)
        of_answer = answer_key(request, side, model, plan, n=n)
        path = None if fresh else earlier.find_run(key, model)
        answered = None if fresh or path else earlier.find_answer(of_answer, model, plan)
        runs.append(
            PlannedRun(
                side=side,
                model=model.alias,
                plan=plan,
                replicate=n,
                path=path or "",
                content_key=key,
                answer_key=of_answer,
                plan_sha256=request.plans[plan],
                reused=path is not None,
                rescored_from=answered or "",
            )
        )
    return runs + _probes(request, runs)


def _probes(request: BatchRequest, runs: Iterable[PlannedRun]) -> list[PlannedRun]:
    probes: list[PlannedRun] = []
    for model in request.models:
        if model.deterministic:
            continue
        reused = [
            r
            for r in runs
            if r.model == model.alias and r.side is Side.BASELINE and not r.takes_calls
        ]
        sample = ceil(len(reused) * request.drift_sample)
        if reused and request.drift_sample > 0:
            sample = min(len(reused), max(sample, FEWEST_PROBES))
        certain = _spread(reused, sample)
        probes += [_probe(run, certain=True) for run in certain]
        probes += [_probe(run, certain=False) for run in reused if run not in certain]
    return probes


def _probe(run: PlannedRun, *, certain: bool) -> PlannedRun:
    update = {
        "reused": False,
        "probe": True,
        "path": "",
        "rescored_from": "",
        "if_promising": not certain,
    }
    return run.model_copy(update=update)


def _spread(reused: Sequence[PlannedRun], sample: int) -> list[PlannedRun]:
    first, rest = reused[:FEWEST_PROBES], reused[FEWEST_PROBES:]
    more = max(0, sample - len(first))
    return [*first[:sample], *(rest[len(rest) * i // more] for i in range(more))]
