"""What is believed of an agent's cost and texts."""

from math import inf, nan

import pytest

from prompt_lab.agents.port import AgentResult, Ending
from prompt_lab.agents.requests import believed


@pytest.mark.parametrize("told", [nan, inf, -inf, -500.0, -1e-9])
def test_a_cost_that_cannot_be_is_the_limit(told: float) -> None:
    found = believed(AgentResult("t", "", Ending.FAILED, "It broke", cost_usd=told), 0.5)
    assert found.cost_usd == 0.5
    words = "It broke; what it cost is not known: its limit of $0.5 is counted"
    assert (found.message, found.ending) == (words, Ending.FAILED)


@pytest.mark.parametrize("told", [0.0, 0.25, 9.0])
def test_any_other_cost_is_believed(told: float) -> None:
    result = AgentResult("t", "p", Ending.DONE, cost_usd=told)
    assert believed(result, 0.5) == result


def test_texts_can_be_written_down() -> None:
    found = believed(AgentResult("a\ud800", "\udfff", Ending.DONE, "\ud83d"), 1)
    assert (found.text, found.transcript, found.message) == ("a?", "?", "?")
