"""A model that speaks chat completions, as a test wants it."""

import json
from collections.abc import Callable

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.loopback import completion

Behaviour = Callable[[str, str], str | int]
"""(system, user) -> the answer's text, or the HTTP status of a failure."""


def speak(server: HTTPServer, behaviour: Behaviour, path: str = "/v1") -> str:
    """Let the server answer so under a path; its URL."""

    def answer(request: Request) -> Response:
        system, user = (m["content"] for m in json.loads(request.data)["messages"])
        said = behaviour(system, user)
        if isinstance(said, int):
            return Response('{"error": {"message": "told to fail"}}', said)
        text = json.dumps(completion(said))
        # It serves one connection at a time: none is kept.
        return Response(text, headers={"Connection": "close"}, content_type="application/json")

    server.expect_request(f"{path}/chat/completions").respond_with_handler(answer)
    return server.url_for(path)
