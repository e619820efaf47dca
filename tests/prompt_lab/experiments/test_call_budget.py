"""No more calls, and no more dollars, than a command may make, from however many threads."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.models import ModelConfig, TokenPrice
from prompt_lab.errors import BudgetReached, ConfigError, TransientError
from prompt_lab.experiments.call_budget import (
    BudgetedLlm,
    CallBudget,
    check_prices,
    estimate_worst_cost,
)
from prompt_lab.ports import Answer, Request

REQUEST = Request("Read.", "Amount: 12 €", None, max_tokens=8)


class Counting:
    """ports.Llm that counts; every third call fails where `fails` says so."""

    def __init__(self, tokens: int = 4, *, fails: bool = False) -> None:
        self.calls, self.tokens, self.fails = 0, tokens, fails

    def check(self) -> str | None:
        return None

    def ask(self, _: Request) -> Answer:
        self.calls += 1
        if self.fails and self.calls % 3 == 0:
            raise TransientError("no answer")
        return Answer("12", self.tokens, self.tokens, 0.0)

    def close(self) -> None:
        """Nothing is open."""


def config(price: float | None = 1.0) -> ModelConfig:
    known = None if price is None else TokenPrice(input=price, output=price)
    return ModelConfig(alias="m", provider="openai", id="x", deterministic=True, price=known)


def ask_often(llm: BudgetedLlm, times: int) -> None:
    def ask(_: int) -> None:
        with suppress(BudgetReached, TransientError):
            llm.ask(REQUEST)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(times)))


@pytest.mark.parametrize("fails", [False, True])
def test_exactly_as_many_calls_are_made_as_are_allowed(fails: bool) -> None:
    budget, model = CallBudget(max_calls=10), Counting(fails=fails)
    ask_often(BudgetedLlm(config(), model, budget), 40)
    assert model.calls == budget.usage[0] == 10
    assert "--max-calls 10" in budget.find_refusal()


@given(tokens=st.integers(0, 20), limit=st.floats(0, 2e-3))
def test_no_more_is_spent_than_is_allowed(tokens: int, limit: float) -> None:
    budget, model = CallBudget(max_cost=limit), Counting(tokens)
    llm, price = BudgetedLlm(config(), model, budget), config().cost(tokens, tokens)
    for _ in range(50):
        with suppress(BudgetReached):
            llm.ask(REQUEST)
    worst = estimate_worst_cost(config(), REQUEST)
    assert model.calls * price <= limit + max(0.0, price - worst)
    assert budget.usage[1] == pytest.approx(model.calls * price)
    if model.calls < 50:
        assert model.calls * price + worst > limit


def test_the_worst_cost_counts_bytes_and_the_longest_answer() -> None:
    worst = len(b"Read.") + len("Amount: 12 €".encode()) + 8
    assert estimate_worst_cost(config(), REQUEST) == pytest.approx(worst * 1e-6)


def test_a_limit_on_the_cost_takes_a_price() -> None:
    check_prices([config(None)], None)
    check_prices([config()], 1.0)
    with pytest.raises(ConfigError, match="the price of m is unknown"):
        check_prices([config(None)], 1.0)
