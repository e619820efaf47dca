"""Calls of models whose prompts the PromptOps service prepares, each with its outcome noted."""

from dataclasses import replace
from time import monotonic

from prompt_lab.errors import LabError
from prompt_lab.ports import Answer, Llm, Request
from prompt_lab.ports.prompt_routes import PromptRoutes, RoutedPrompt


class RoutedLlm:
    """ports.Llm of one route. The route's own frame stays: a registered text stands before it."""

    def __init__(
        self, llm: Llm, routes: PromptRoutes, route: str, model: str, fixed: str = ""
    ) -> None:
        """`fixed`: see PromptRoutes.prepare."""
        self._llm, self._routes = llm, routes
        self._route, self._model, self._fixed = route, model, fixed

    def check(self) -> str | None:
        """As the model says."""
        return self._llm.check()

    def ask(self, request: Request) -> Answer:
        """As the model answers, or raises."""
        prepared = self._routes.prepare(
            self._route, request.user, model=self._model, fixed=self._fixed
        )
        system = join_texts(prepared.system, request.system)
        sent = replace(request, system=system, user=prepared.user)
        begun = monotonic()
        try:
            answer = self._llm.ask(sent)
        except LabError as error:
            seconds, kind = monotonic() - begun, type(error).__name__
            self._routes.record(prepared.trace, None, seconds=seconds, error=kind)
            raise
        self._routes.record(prepared.trace, answer, seconds=monotonic() - begun)
        return answer

    def close(self) -> None:
        """Close the model."""
        self._llm.close()


def prepare_text(
    routes: PromptRoutes | None, route: str, prompt: str, *, model: str
) -> RoutedPrompt:
    """For agents, who take one text: it is in `user`, and `system` is ''."""
    if routes is None:
        return RoutedPrompt("", prompt)
    prepared = routes.prepare(route, prompt, model=model)
    return RoutedPrompt("", join_texts(prepared.system, prepared.user), prepared.trace)


def join_texts(first: str, second: str) -> str:
    """Two parts with an empty line between them; one part alone where the other is ''.

    >>> join_texts("", "Be brief."), join_texts("Be polite.", "Be brief.")
    ('Be brief.', 'Be polite.\\n\\nBe brief.')
    """
    return "\n\n".join(filter(None, (first, second)))
