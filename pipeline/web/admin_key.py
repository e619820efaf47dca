"""Who calls /api/admin: the key of WEB_API_KEY, or a key of this lab. Checked before anything else.

A wrong key gets the same answer whatever it asks for, so nothing is revealed: the check comes
before the body is read and before a session or a trace is looked up.
"""

import hmac
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from pipeline.web.context import WebContext
from prompt_lab.prompts.snapshots import Actor, ActorKind

KEY_NAME = "web-api"
"""The actor of what is done with WEB_API_KEY where the request names no person."""
READING = frozenset({"GET", "HEAD"})
key_header = APIKeyHeader(name="X-API-Key", auto_error=False)


class AdminCaller(NamedTuple):
    """Who sent a request; `is_person`: the key belongs to one person."""

    name: str
    is_person: bool
    may_change: bool

    def act_as(self, person: str = "") -> Actor:
        """The actor of a change. `person`: whose words a service passes on; '' for none.

        Without a person it is a worker, who may force nothing.
        """
        if self.is_person:
            return Actor(name=self.name, kind=ActorKind.PERSON)
        if person.strip():
            return Actor(name=person.strip(), kind=ActorKind.PERSON)
        return Actor(name=self.name, kind=ActorKind.WORKER)


class AdminRoute(APIRoute):
    """Checks the key before FastAPI reads the body. Raises 401 and 403."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handle = super().get_route_handler()

        async def check_first(request: Request) -> Response:
            request.state.caller = require_caller(request, request.app.state.context)
            return await handle(request)

        return check_first


def require_caller(request: Request, context: WebContext) -> AdminCaller:
    """The caller of a request by its key. Raises 401 for a wrong one, 403 for one that may not."""
    caller = find_caller(read_key(request), context)
    if caller is None:
        raise HTTPException(
            401, "This takes a key: send it as 'X-API-Key'.", {"www-authenticate": "ApiKey"}
        )
    if request.method not in READING and not caller.may_change:
        raise HTTPException(403, f"The key {caller.name!r} may read only.")
    return caller


def find_caller(key: str, context: WebContext) -> AdminCaller | None:
    """The owner of a key, compared in constant time; None for a key that is not known."""
    if not key:
        return None
    expected = context.settings.api_key
    if is_equal_key(expected, key):
        return AdminCaller(KEY_NAME, is_person=False, may_change=True)
    found = context.keys.find(key)
    if found is None:
        return None
    return AdminCaller(found.name, is_person=True, may_change=found.role == "operator")


def is_equal_key(expected: str, given: str) -> bool:
    """Whether two keys are equal, in a time that depends on neither; False without `expected`."""
    same = hmac.compare_digest(_digest(expected), _digest(given))
    return same and bool(expected)


def read_key(request: Request) -> str:
    """The key of X-API-Key, or of Authorization: Bearer; '' for none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get("x-api-key", "")
    return (given or (token if scheme.lower() == "bearer" else "")).strip()


async def get_caller(request: Request, _key: Annotated[str | None, Depends(key_header)]) -> Any:
    """What AdminRoute has found."""
    return request.state.caller


Caller = Annotated[AdminCaller, Depends(get_caller)]


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
