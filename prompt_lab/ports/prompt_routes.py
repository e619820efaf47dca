"""How our own calls of models ask the PromptOps service for their prompts, route by route."""

from dataclasses import dataclass
from typing import Protocol

from prompt_lab.ports.llm import Answer


@dataclass(frozen=True)
class RoutedPrompt:
    """`system` stands before the route's own system text; '' where nothing is registered."""

    system: str
    user: str
    trace: str = ""


class PromptRoutes(Protocol):
    """The routes of one lab. A lab without a registry is left as it is, and nothing is written."""

    def prepare(self, route: str, user: str, *, model: str, fixed: str = "") -> RoutedPrompt:
        """What a route sends. Never raises, and changes nothing where it fails.

        `fixed`: a template that was chosen before and is recorded; the call is noted with it.
        """

    def record(self, trace: str, answer: Answer | None, *, seconds: float, error: str = "") -> None:
        """What became of the call; no answer with the kind of error. Never raises."""

    def find_template(self, route: str) -> str:
        """The registered template of a route that keeps one for a whole trial; '' for none."""
