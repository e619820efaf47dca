"""Several models as one: each call goes to the first, and to the next if that one fails."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from prompt_lab.errors import CallRefused, LabError, ModelUnavailable, TransientError
from prompt_lab.ports import Answer, Llm, Request

FAILURES = (TransientError, ModelUnavailable, CallRefused)


class Fallbacks:
    """ports.Llm over models by alias, in order of preference.

    An answer's `alias` names its model, and its `retries` count every attempt that failed before,
    also those on other models; its `seconds` are the answering model's call alone. Only an
    unavailable model is skipped; a bad answer is an answer. Models that rest after failures are
    asked last.
    """

    def __init__(
        self, models: Mapping[str, Llm], is_resting: Callable[[str], bool] | None = None
    ) -> None:
        self._models = dict(models)
        self._is_resting = is_resting or (lambda _: False)

    def check(self) -> str | None:
        """Why none of them can be used; None where one can."""
        faults = [f"{alias}: {model.check()}" for alias, model in self._models.items()]
        usable = any(model.check() is None for model in self._models.values())
        return None if usable else "; ".join(faults)

    def ask(self, request: Request) -> Answer:
        """The first answer. Raises the common type of all failures, else TransientError."""
        faults: list[LabError] = []
        for alias in sorted(self._models, key=self._is_resting):
            model = self._models[alias]
            try:
                answer = model.ask(request)
            except FAILURES as error:
                faults.append(error)
                continue
            before = sum(getattr(fault, "attempts", 1) for fault in faults)
            return replace(answer, alias=alias, retries=answer.retries + before)
        kinds = {type(fault) for fault in faults}
        kind = kinds.pop() if len(kinds) == 1 else TransientError
        raise kind("\n".join(map(str, faults)))

    def close(self) -> None:
        """Close them all."""
        for model in self._models.values():
            model.close()
