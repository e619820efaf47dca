"""Strategies and analysts of users: their errors and wrong results are one sentence each."""

from collections.abc import Callable
from typing import Any

import pytest

from prompt_lab.errors import ConfigError, TargetError
from prompt_lab.experiments.extensions import CheckedAnalyst, CheckedStrategy, make_strategies
from prompt_lab.propose.model import Draft, Material

MATERIAL = Material(step="s", prompt="Read.", schema=None, plans=())
DRAFT = Draft("Read well.", "Title", "Why", "own")


class OwnStrategy:
    """Answers with what it is made of; an exception is raised."""

    name = "own"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def applies(self, _: Material) -> Any:
        return self._answer()

    def propose(self, _: Material) -> Any:
        return self._answer()

    def _answer(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class OwnAnalyst(OwnStrategy):
    """The same as an analyst."""

    def analyse(self, _: Any) -> Any:
        return self._answer()

    def review(self, _: Any) -> Any:
        return self._answer()


def make_strategy(answer: object) -> CheckedStrategy:
    return CheckedStrategy(lambda: OwnStrategy(answer), "'shop:Own'")


def make_analyst(answer: object) -> CheckedAnalyst:
    return CheckedAnalyst(lambda: OwnAnalyst(answer), "'shop:Own'")  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    "call",
    [
        lambda answer: make_strategy(answer).applies(MATERIAL),
        lambda answer: make_strategy(answer).propose(MATERIAL),
        lambda answer: make_analyst(answer).analyse(None),  # type: ignore[arg-type]
        lambda answer: make_analyst(answer).review(None),  # type: ignore[arg-type]
    ],
)
class TestFaults:
    """Each method of each kind."""

    def test_an_exception_names_the_extension_the_file_and_the_line(
        self, call: Callable[[object], object]
    ) -> None:
        with pytest.raises(
            ConfigError, match=r"'shop:Own' failed in .*test_extensions.py, line \d+"
        ):
            call(ZeroDivisionError("division by zero"))

    def test_an_error_of_ours_keeps_its_kind(self, call: Callable[[object], object]) -> None:
        with pytest.raises(TargetError, match="no such plan"):
            call(TargetError("no such plan"))

    @pytest.mark.parametrize("answer", [7, object(), [7]])
    def test_a_result_of_another_type_is_named(
        self, call: Callable[[object], object], answer: object
    ) -> None:
        with pytest.raises(ConfigError, match=r"'shop:Own': \w+\(\) returned a (int|object|list)"):
            call(answer)


def test_what_is_right_passes_unchanged() -> None:
    assert make_strategy(None).applies(MATERIAL) is None
    assert make_strategy("no").applies(MATERIAL) == "no"
    assert make_strategy(DRAFT).propose(MATERIAL) is DRAFT
    assert make_analyst("A page").analyse(None) == "A page"  # type: ignore[arg-type]
    assert make_analyst(()).review(None) == ()  # type: ignore[arg-type]


def test_a_class_that_cannot_be_made_is_named() -> None:
    def load(_kind: str, _name: str) -> type[OwnStrategy]:
        return OwnStrategy  # takes an argument that no caller gives

    with pytest.raises(ConfigError, match=r"strategy 'shop:Own' failed .*TypeError"):
        make_strategies(load, ["shop:Own"])
