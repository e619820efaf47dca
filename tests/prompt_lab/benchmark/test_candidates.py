"""Candidates of a cycle: what is proposed, in which order, and how halving selects."""

import numpy as np
import pytest

from prompt_lab.benchmark.candidates import (
    apply_candidate,
    apply_tuning,
    choose_untried,
    describe_tuning,
    keep_better_half,
    propose_candidates,
    split_rounds,
)
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ConfigError

LOCAL = ModelConfig(alias="m", provider="embedded", id="id", deterministic=True)
REMOTE = ModelConfig(alias="r", provider="openai_like", id="id", deterministic=False)


def test_every_kind_comes_once_before_any_comes_twice() -> None:
    local = [one.kind for one in propose_candidates(LOCAL, ["other", "m"], warm_up_on=False)]
    assert local[:5] == ["temperature", "max_tokens", "timeout", "warm_up", "model"]
    remote = [one.kind for one in propose_candidates(REMOTE, ["other"], warm_up_on=False)]
    assert remote[:5] == ["temperature", "max_tokens", "timeout", "retries", "model"]
    assert "warm_up" not in remote


def test_a_change_of_retries_reaches_the_model() -> None:
    found = propose_candidates(REMOTE, [], warm_up_on=True)
    candidate = next(one for one in found if one.kind == "retries")
    assert apply_candidate(REMOTE, candidate).retries == candidate.value != REMOTE.retries


def test_what_was_tried_least_often_comes_first() -> None:
    pool = propose_candidates(REMOTE, [], warm_up_on=True)
    names = [one.name for one in pool]
    tried = dict.fromkeys(names[:2], 1)
    assert [one.name for one in choose_untried(pool, tried, 2)] == names[2:4]
    every = dict.fromkeys(names, 3)
    assert [one.name for one in choose_untried(pool, every, 2)] == names[:2]


def test_a_tuning_describes_a_model_that_another_lab_can_make() -> None:
    hot = apply_candidate(LOCAL, propose_candidates(LOCAL, [], warm_up_on=True)[0])
    tuning = describe_tuning(LOCAL, hot, "CYCLE_1_RESULTS.json")
    assert apply_tuning({"m": LOCAL}, tuning) == hot
    edited = tuning.model_copy(update={"settings": LOCAL.settings})
    with pytest.raises(ConfigError, match="not those that the verdict is about"):
        apply_tuning({"m": LOCAL, hot.alias: hot}, edited)
    with pytest.raises(ConfigError, match="'m' is no model"):
        apply_tuning({}, tuning)


def test_no_plan_selects_twice_and_halving_finds_the_better_one() -> None:
    plans = [f"p{n}" for n in range(30)]
    rounds = split_rounds(plans, 8)
    assert len(rounds) == 3
    assert sorted(sum(rounds, ())) == sorted(plans)
    rng, wins = np.random.default_rng(5), 0
    chances = {"a": 0.4, "b": 0.4, "best": 0.9, "c": 0.4}
    for _ in range(200):
        left, answers = list(chances), {name: list[bool]() for name in chances}
        for part in split_rounds(plans, len(chances)):
            for name in left:
                answers[name] += (rng.random(len(part)) < chances[name]).tolist()
            left = keep_better_half(left, answers)
        wins += left == ["best"]
    assert wins >= 180  # 0.9 against 0.4 on 15 plans, then on 30
