from collections.abc import Collection
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.models import ModelConfig
from prompt_lab.evaluate.batches import (
    FEWEST_PROBES,
    BatchRequest,
    NoEarlierRuns,
    plan_runs,
    seed_of,
)
from prompt_lab.names import Side
from prompt_lab.store.batch import PlannedRun


def model(alias: str, *, deterministic: bool) -> ModelConfig:
    return ModelConfig(alias=alias, provider="scripted", id=alias, deterministic=deterministic)


class Known(NamedTuple):
    """Runs and answers by their keys."""

    runs: dict[str, str]
    answers: dict[str, str]

    def find_run(self, content_key: str, model: ModelConfig) -> str | None:
        return self.runs.get(content_key)

    def find_answer(self, answer_key: str, model: ModelConfig, plan: str) -> str | None:
        return self.answers.get(answer_key)


def planned(
    plans: int,
    sample: float = 0.25,
    rescored: Collection[str] = (),
    *,
    reuses_sampled: bool = True,
) -> list[PlannedRun]:
    """A batch whose baseline runs are all known, and no others; some by their answer alone."""
    request = BatchRequest(
        step="s",
        models=[model("exact", deterministic=True), model("warm", deterministic=False)],
        plans={f"plan_{n:03d}": f"digest {n}" for n in range(plans)},
        answer_inputs={f"plan_{n:03d}": f"inputs {n}" for n in range(plans)},
        sources={Side.BASELINE: {"p": "old"}, Side.CANDIDATE: {"p": "new"}},
        replicates=1,
        adapter_digest="a",
        answer_digest="a",
        drift_sample=sample,
        reuses_sampled=reuses_sampled,
    )
    none = plan_runs(request, NoEarlierRuns())
    of_baseline = [run for run in none if run.side is Side.BASELINE]
    answers = [run for run in of_baseline if run.plan in rescored]
    return plan_runs(
        request,
        Known(
            {run.content_key: f"at/{run.plan}" for run in of_baseline if run not in answers},
            {run.answer_key: f"at/{run.plan}" for run in answers},
        ),
    )


@given(st.integers(1, 90), st.sampled_from([0.0, 0.1, 0.25, 1.0]))
def test_every_reused_run_of_a_sampled_model_has_one_probe(plans: int, sample: float) -> None:
    runs = planned(plans, sample=sample)
    probes = [run for run in runs if run.probe]
    reused = [run for run in runs if run.reused and run.model == "warm"]
    assert {run.plan for run in probes} == {run.plan for run in reused}
    assert len(probes) == len(reused) == plans
    assert not any(run.reused or run.path or run.model == "exact" for run in probes)
    certain = [run.plan for run in probes if not run.if_promising]
    if sample:
        assert len(certain) == min(plans, max(-(-plans * sample // 1), FEWEST_PROBES))
        first = [run.plan for run in reused][:FEWEST_PROBES]
        assert certain[: len(first)] == first
    else:
        assert not certain


def test_an_answer_that_is_scored_again_is_probed_like_a_reused_run() -> None:
    runs = planned(12, rescored={"plan_001", "plan_011"})
    again = [run for run in runs if run.rescored_from]
    assert {(run.plan, run.model) for run in again} == {
        (plan, model) for plan in ("plan_001", "plan_011") for model in ("exact", "warm")
    }
    assert not any(run.reused or run.takes_calls for run in again)
    probes = [run for run in runs if run.probe]
    assert {run.plan for run in probes} == {run.plan for run in runs}
    assert all(run.takes_calls for run in probes)


def test_where_sampled_runs_are_not_reused_none_is_scored_again() -> None:
    runs = planned(12, rescored={"plan_001"}, reuses_sampled=False)
    assert {run.model for run in runs if run.rescored_from} == {"exact"}


def test_where_sampled_runs_are_not_reused_nothing_said_before_answers() -> None:
    runs = planned(12, reuses_sampled=False)
    assert {run.model for run in runs if run.reused} == {"exact"}
    assert not any(run.probe for run in runs)


def test_seeds_differ_by_plan_and_replicate_and_stay() -> None:
    seeds = [seed_of(f"plan_{n}", replicate) for n in range(50) for replicate in range(3)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seed_of("inv_t001_bakery", 0) == seed_of("inv_t001_bakery", 0) == SEED


SEED = 1078546737
"""Of that plan and replicate: a change of it voids what a lab may reuse."""
