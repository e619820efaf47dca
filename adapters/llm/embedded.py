"""The embedded model, reached as a remote OpenAI-compatible one is, with answers that are exact.

Every call starts from the same state: the system text alone, evaluated once in each server, saved,
and restored before the call. So an answer depends on nothing that was asked before.
"""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from adapters.llm.base import BaseLlm
from adapters.llm.embedded_pool import Server, shared_pool
from adapters.llm.embedded_server import model_file
from adapters.llm.wire import exchange_json, send_request
from adapters.llm.wire_requests import chat_body
from prompt_lab.ports import Answer, Request

KEPT_STATES = 16
"""System texts whose state a server keeps as a file: about 25 KB a token each."""
_MARK = "\u2063"
"""Stands for the user's text when the template is asked where the system text ends."""


class Embedded(BaseLlm):
    """SmolLM2-135M-Instruct in processes of our own; all aliases share them."""

    def check(self) -> str | None:
        """What is not installed, or None."""
        if find_spec("xllamacpp") is None or model_file() is None:
            return "the embedded model is not installed: run `prompt-lab install-local-model`"
        return super().check()

    def close(self) -> None:
        """End the processes. A further call starts them again."""
        shared_pool().close()

    def _call(self, request: Request) -> Answer:
        with shared_pool().lease() as (server, waited):
            self._restore(server, request.system)
            body = {**chat_body(self.config, request), "cache_prompt": True}
            url = f"{server.address}/v1/chat/completions"
            answer = send_request(self.config, "chat", url, {}, body)
        return replace(answer, waited=waited, answered_by=self.config.id)

    def _restore(self, server: Server, system: str) -> None:
        """Put the slot into the state that it has after the system text and nothing else."""
        if system not in server.prefixes:
            name = _free_name(server)
            self._post(server, "/slots/0?action=erase", {})
            prompt = {"prompt": self._prefix(server, system), "n_predict": 0, "cache_prompt": True}
            self._post(server, "/completion", prompt)
            self._post(server, "/slots/0?action=save", {"filename": name})
            server.prefixes[system] = name
        self._post(server, "/slots/0?action=restore", {"filename": server.prefixes[system]})

    def _prefix(self, server: Server, system: str) -> str:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": _MARK}]
        answer = self._post(server, "/apply-template", {"messages": messages})
        return str(answer["prompt"]).split(_MARK)[0]

    def _post(self, server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer's JSON.

        Raises RetryableError if there is no answer, CallRefused if the texts are too long.
        """
        return exchange_json(self.config, f"{server.address}{path}", {}, body)


def _free_name(server: Server) -> str:
    """A file name for a saved state; where there are many, the oldest one's."""
    if len(server.prefixes) >= KEPT_STATES:
        server.prefixes.pop(next(iter(server.prefixes)))
    # Not by their number: a text that was refused has left a gap.
    taken = set(server.prefixes.values())
    return next(name for n in range(KEPT_STATES) if (name := f"{n}.bin") not in taken)
