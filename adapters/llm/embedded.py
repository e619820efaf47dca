"""The embedded model, reached as a remote OpenAI-compatible one is, with answers that are exact.

Every call starts from the same state: the system text alone, evaluated once in each server, saved,
and restored before the call. So an answer depends on nothing that was asked before.
"""

from importlib.util import find_spec
from typing import Any

import httpx

from adapters.llm.base import BaseLlm, Busy, CallRefused
from adapters.llm.embedded_pool import Server, shared_pool
from adapters.llm.embedded_server import model_file
from adapters.llm.openai_like import chat_client, complete
from prompt_lab.ports import Answer, Request

_MARK = "\u2063"
"""Stands for the user's text when the template is asked where the system text ends."""


class Embedded(BaseLlm):
    """SmolLM2-135M-Instruct in processes of our own; all aliases share them."""

    def check(self) -> str | None:
        """What is not installed, or None."""
        if find_spec("xllamacpp") is None or model_file() is None:
            return "the embedded model is not installed: run `make setup`"
        return super().check()

    def close(self) -> None:
        """End the processes. A further call starts them again."""
        shared_pool().close()

    def _call(self, request: Request) -> Answer:
        with shared_pool().lease() as (server, waited):
            try:
                self._restore(server, request.system)
            except httpx.HTTPError as error:
                raise Busy(f"the embedded model: {type(error).__name__}") from None
            chat = self._client(server)
            more = {"extra_body": {"cache_prompt": True}}
            answer = complete(chat, self.config, request, **more)
        return Answer(**{**vars(answer), "waited": waited, "answered_by": self.config.id})

    def _client(self, server: Server) -> Any:
        if self.config.alias not in server.clients:
            client = chat_client(self.config, f"{server.address}/v1", "none")
            server.clients[self.config.alias] = client
        return server.clients[self.config.alias]

    def _restore(self, server: Server, system: str) -> None:
        """Put the slot into the state that it has after the system text and nothing else."""
        timeout = self.config.timeout_seconds
        with httpx.Client(base_url=server.address, timeout=timeout) as http:
            if system not in server.prefixes:
                name = f"{len(server.prefixes)}.bin"
                _post(http, "/slots/0?action=erase", {})
                prompt = {"prompt": _prefix(http, system), "n_predict": 0, "cache_prompt": True}
                _post(http, "/completion", prompt)
                _post(http, "/slots/0?action=save", {"filename": name})
                server.prefixes[system] = name
            _post(http, "/slots/0?action=restore", {"filename": server.prefixes[system]})


def _prefix(http: httpx.Client, system: str) -> str:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": _MARK}]
    whole = str(_post(http, "/apply-template", {"messages": messages})["prompt"])
    return whole.split(_MARK, maxsplit=1)[0]


def _post(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = http.post(path, json=body)
    if response.status_code == 400:
        raise CallRefused(f"the embedded model: HTTP 400: {response.text[:300]}")
    response.raise_for_status()
    data: dict[str, Any] = response.json()
    return data
