import numpy as np
import pytest

from prompt_lab.decide.replay import Stored, differences, replay
from prompt_lab.decide.verdict import Pair, Policy


def _stored(plans: int, models: int) -> Stored:
    rng = np.random.default_rng(0)
    names = [f"plan {n}" for n in range(plans)], [f"model {n}" for n in range(models)]
    scores = rng.random((plans, models, 2)) < (0.6, 0.62)
    pairs = [
        Pair(model, plan, 0, float(scores[p, m, 0]), float(scores[p, m, 1]))
        for p, plan in enumerate(names[0])
        for m, model in enumerate(names[1])
    ]
    policy = Policy(max_plans=plans)
    return Stored(policy=policy, models=tuple(names[1]), plans=tuple(names[0]), pairs=tuple(pairs))


@pytest.mark.parametrize(("plans", "models"), [(10_000, 1), (100, 7)])
def test_stored_rows_are_replayed_alike(plans: int, models: int) -> None:
    text = _stored(plans, models).model_dump_json()
    verdict = replay(Stored.model_validate_json(text))
    again = replay(_stored(plans, models))
    assert verdict is not None
    assert again is not None
    assert verdict.model_dump_json() == again.model_dump_json()
    assert differences(verdict, again) == []


def test_differences_name_the_field_and_both_values() -> None:
    verdict = replay(_stored(60, 1))
    assert verdict is not None
    other = verdict.model_copy(update={"effect": 0.5, "alpha": 0.01})
    assert differences(verdict, other) == [
        f"effect: {verdict.effect!r} -> 0.5",
        "alpha: 0.05 -> 0.01",
    ]
