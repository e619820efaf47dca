"""Failed calls in our own process, and the order of models that rest."""

import pytest

from prompt_lab.config.routing import GatewayRouting
from prompt_lab.errors import CallRefused, LabError, TransientError
from prompt_lab.experiments.fallbacks import Fallbacks
from prompt_lab.experiments.noted_calls import NotedLlm
from prompt_lab.ports import Answer, Request
from prompt_lab.ports.model_router import ChosenRoute

REQUEST = Request("system", "user")


class Router:
    """ports.ModelRouter that lets every model do everything and counts failures."""

    def __init__(self) -> None:
        self.failures: dict[str, int] = {}

    def route(self, alias: str, step: str, *, force: bool) -> ChosenRoute:
        return ChosenRoute(alias, "")

    def log_route(self, alias: str, step: str, *, force: bool) -> None:
        """Nothing is logged."""

    def phase_of(self, step: str) -> str:
        return ""

    def is_resting(self, alias: str) -> bool:
        return self.failures.get(alias, 0) > 1

    def note_failures(self, alias: str, failures: int) -> None:
        self.failures[alias] = self.failures.get(alias, 0) + failures

    def gateway_routing(self) -> GatewayRouting | None:
        return None


class Model:
    """Answers after so many retries, or raises."""

    def __init__(self, name: str, retries: int = 0, error: LabError | None = None) -> None:
        self.name, self.retries, self.error = name, retries, error

    def check(self) -> str | None:
        return None

    def ask(self, request: Request) -> Answer:
        if self.error is not None:
            raise self.error
        return Answer(self.name, 1, 1, 0.1, retries=self.retries)

    def close(self) -> None:
        """Nothing to close."""


def test_a_retried_failure_counts_and_a_refusal_does_not() -> None:
    router = Router()
    NotedLlm("m", Model("m", retries=2), router).ask(REQUEST)
    assert router.failures == {"m": 2}
    with pytest.raises(TransientError):
        NotedLlm("m", Model("m", error=TransientError("dead")), router).ask(REQUEST)
    with pytest.raises(CallRefused):
        NotedLlm("m", Model("m", error=CallRefused("too long")), router).ask(REQUEST)
    assert router.failures == {"m": 3}


def test_a_model_that_rests_is_asked_last() -> None:
    router = Router()
    models = {name: NotedLlm(name, Model(name, retries=2), router) for name in ("one", "two")}
    together = Fallbacks(models, router.is_resting)
    assert [together.ask(REQUEST).alias for _ in range(2)] == ["one", "two"]
