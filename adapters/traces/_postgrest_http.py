"""Calls of PostgREST, as Supabase serves it (https://docs.postgrest.org): tables and functions.

A read, or a write that gives the same when it is repeated, is tried again; any other write is sent
once, unless it was certainly not taken.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from prompt_lab.errors import StoreError
from prompt_lab.redact import Redactor

Row = dict[str, Any]
Query = Mapping[str, str | int]
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_NOT_TAKEN = (429, 503)
"""Too many requests; PostgREST has no connection to its database."""
_FIXES = {
    401: "Check SUPABASE_SERVICE_ROLE_KEY: it is the service role's, not the anon key",
    403: "Check SUPABASE_SERVICE_ROLE_KEY: it is the service role's, not the anon key",
    404: "Push supabase/migrations to the database (docs/production.md)",
    406: "Expose the schema 'public' in the project's API settings",
}
_SHOWN = 200


class _Passing(Exception):
    """A failure that a later attempt may not meet. `was_taken`: the request may have been done."""

    def __init__(self, text: str, *, was_taken: bool) -> None:
        self.was_taken = was_taken
        super().__init__(text)


class PostgrestClient:
    """One project. The key is in headers alone, and in no message."""

    def __init__(
        self,
        client: httpx.Client,
        key: str,
        *,
        tries: int = 4,
        pause: float = 0.5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`client` has the project's address and the key's headers; `pause`: seconds, doubles."""
        self._client = client
        self._redactor = Redactor([key])
        self._tries, self._pause, self._sleep = tries, pause, sleep

    def call(self, function: str, arguments: Mapping[str, Any], *, repeats: bool = True) -> Any:
        """What a SQL function gives. Not `repeats`: a second call would answer otherwise."""
        return self._send("POST", f"rpc/{function}", {}, arguments, repeats=repeats)

    def select(self, table: str, query: Query) -> list[Row]:
        """Rows of one read, which the service may cut: never all of a table."""
        return self._rows("GET", table, query)

    def insert(
        self, table: str, rows: Sequence[Row], *, key: str, merges: bool = False
    ) -> list[Row]:
        """Insert rows; the keys of those that are new. `merges`: a row that is there is replaced.

        Otherwise it stays, and the call is not repeated: it would say that nothing was new.
        """
        what = "merge" if merges else "ignore"
        query = {"on_conflict": key, "select": key}
        prefer = f"resolution={what}-duplicates,return=representation"
        return self._rows("POST", table, query, rows, prefer=prefer, repeats=merges)

    def update(self, table: str, filters: Mapping[str, str], row: Row) -> list[Row]:
        """Write the columns of the rows that match; these rows. Sent once."""
        prefer = "return=representation"
        return self._rows("PATCH", table, filters, row, prefer=prefer, repeats=False)

    def _rows(self, method: str, table: str, query: Mapping[str, Any], body: Any = None,
              **how: Any) -> list[Row]:  # fmt: skip
        answer = self._send(method, table, query, body, **how)
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise StoreError(f"Supabase: {table}: the answer is no list of rows")
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any,
        *,
        prefer: str = "",
        repeats: bool = True,
    ) -> Any:
        attempt = 1
        while True:
            try:
                return self._send_once(method, path, query, body, prefer)
            except _Passing as error:
                if attempt == self._tries or (error.was_taken and not repeats):
                    unknown = error.was_taken and not repeats
                    note = ". Whether it was carried out is not known: look before you repeat it"
                    raise StoreError(f"{error}{note if unknown else ''}") from None
            self._sleep(self._pause * 2 ** (attempt - 1))
            attempt += 1

    def _send_once(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, prefer: str
    ) -> Any:
        what = f"Supabase: {method} {path}"
        try:
            content = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        except ValueError as error:
            raise StoreError(f"{what}: {error}") from error
        headers = {"content-type": "application/json", **({"prefer": prefer} if prefer else {})}
        try:
            response = self._client.request(
                method, f"/rest/v1/{path}", params=query, content=content, headers=headers
            )
        except _UNSENT as error:
            text = self._redactor.text(f"{what}: no connection ({error})")
            raise _Passing(text, was_taken=False) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            text = self._redactor.text(f"{what}: the connection was lost ({reason})")
            raise _Passing(text, was_taken=True) from None
        if response.status_code >= 300:
            self._refuse(what, response)
        try:
            return json.loads(response.content) if response.content.strip() else None
        except (ValueError, RecursionError):
            raise StoreError(f"{what}: the answer is no JSON: is SUPABASE_URL right?") from None

    def _refuse(self, what: str, response: httpx.Response) -> None:
        status = response.status_code
        text = f"{what}: {status} {self._redactor.text(_describe(response))}".strip()
        if status >= 500 or status in _NOT_TAKEN:
            raise _Passing(text, was_taken=status not in _NOT_TAKEN)
        fix = _FIXES.get(status, "SUPABASE_URL redirects: correct it" if status < 400 else "")
        raise StoreError(f"{text}. {fix}." if fix else text)


def _describe(response: httpx.Response) -> str:
    """Code and message of an error, without its details: these quote rows."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return " ".join(response.text.split())[:_SHOWN]
    words = (str(found.get(name) or "") for name in ("code", "message", "hint"))
    return " ".join(" ".join(filter(None, words)).split())[:_SHOWN]
