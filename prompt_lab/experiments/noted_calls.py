"""Calls of a model whose failures are reported to the router."""

from prompt_lab.errors import ModelUnavailable, TransientError
from prompt_lab.ports import Answer, Llm, Request
from prompt_lab.ports.model_router import ModelRouter


class NotedLlm:
    """ports.Llm of one alias. A failure that a retry made good is reported as well."""

    def __init__(self, alias: str, llm: Llm, router: ModelRouter) -> None:
        self._alias, self._llm, self._router = alias, llm, router

    def check(self) -> str | None:
        """As the model says."""
        return self._llm.check()

    def ask(self, request: Request) -> Answer:
        """As the model answers, or raises."""
        try:
            answer = self._llm.ask(request)
        except (TransientError, ModelUnavailable):
            self._router.note_failures(self._alias, 1)
            raise
        if answer.retries:
            self._router.note_failures(self._alias, answer.retries)
        return answer

    def close(self) -> None:
        """Close the model."""
        self._llm.close()
