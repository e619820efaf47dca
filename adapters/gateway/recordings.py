"""Answers that were given before: found by the request, in files that can be committed."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from adapters.gateway.records import REPLAYED, Origin, RunId
from adapters.gateway.settings import Route
from adapters.wire.dialects import DIALECTS, DialectName
from adapters.wire.dialects.base import Body, Dialect, Reply
from prompt_lab.errors import StoreError
from prompt_lab.json_limits import check_value_count
from prompt_lab.store.files import disk_errors, write_text

VOLATILE = frozenset(
    {"model", "user", "metadata", "safety_identifier", "prompt_cache_key", "store", "keep_alive"}
)
"""Keys at the top of a request that change from call to call and not what is asked."""

MANY = 200
"""Brackets in a body from which on it is tried whether its canonical form can be made."""


def read_body(raw: bytes) -> dict[str, Any]:
    """A request's body. Raises ValueError where it is not one JSON object."""
    check_value_count(raw)
    try:
        body = json.loads(raw, parse_constant=_no_number, parse_float=_finite)
        if raw.count(b"[") + raw.count(b"{") > MANY and isinstance(body, dict):
            canonical(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError(f"it is a {type(body).__name__}, not an object")
    return body


def canonical(body: dict[str, Any]) -> bytes:
    """What is asked: without the volatile fields, keys in order, 1.0 as 1."""
    kept = {key: _normalize(value) for key, value in body.items() if key not in VOLATILE}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def request_key(dialect: str, alias: str, model_id: str, asked: bytes) -> str:
    """sha256 of a request to one model; `asked` is its canonical form."""
    return sha256(json.dumps([dialect, alias, model_id]).encode() + b"\n" + asked).hexdigest()


def _normalize(value: Any) -> Any:
    """Clients differ in how they write a whole number."""
    if isinstance(value, dict):
        return {key: _normalize(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalize(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) != float("inf") else _no_number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


T = TypeVar("T")


@dataclass(eq=False)
class RecordedRequest:
    """One call as it is looked up; `given` is its body as it came, `clean` takes the keys away.

    `now` is in seconds since 1970. Numbers count from 0 in each run: `number` over all calls,
    `turn` over equal requests.
    """

    run: RunId
    name: DialectName
    given: Body
    clean: Callable[[Body], Body]
    number: int
    now: float
    turn: int = 0

    @cached_property
    def body(self) -> Body:
        """The request without keys. Made when it is first needed: no client waits for it then."""
        return self.clean(self.given)

    @cached_property
    def canonical_body(self) -> bytes:
        """Its canonical form."""
        return canonical(self.body)

    @property
    def dialect(self) -> Dialect:
        """How the client speaks."""
        return DIALECTS[self.name]

    def key(self, route: Route) -> str:
        """The name of this request to one model."""
        return request_key(self.name, route.config.alias, route.config.id, self.canonical_body)

    @property
    def streamed(self) -> bool:
        """Whether the client wants a stream."""
        return self.dialect.streams(self.given)


@dataclass(frozen=True)
class Recorded:
    """An answer with what was known of it. Seconds are those of the call that was recorded.

    `unsent` is the end of a stream of which the client has the rest.
    """

    status: int
    content_type: str
    data: bytes
    reply: Reply
    seconds: float = 0.0
    waited: float = 0.0
    unsent: bytes = b""


class Recordings(Protocol):
    """Where answers are found again."""

    origin: Origin

    def find(self, question: RecordedRequest, route: Route) -> Recorded | None:
        """The answer of this model, or None. Raises StoreError where its file is damaged."""

    def keep(self, question: RecordedRequest, route: Route, answer: Recorded) -> None:
        """Keep an answer. Raises StoreError."""

    def unknown(self, question: RecordedRequest, route: Route) -> str:
        """The message that there is no recording."""


class ByRequest:
    """<root>/<first two>/<sha256 of the request>-<occasion>.json

    Each occasion (plan, side, replicate, turn) has its own, since few models answer equal requests
    alike; an occasion that was not recorded is given another's answer to the same request.
    """

    origin: Origin = REPLAYED

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, question: RecordedRequest, route: Route) -> Recorded | None:
        """The answer on this occasion, else one to the same request."""
        key = question.key(route)
        folder = self._root / key[:2]
        own = folder / f"{key}-{_occasion(question)}.json"
        path = own if own.exists() else min(folder.glob(f"{key}-*.json"), default=None)
        return None if path is None else _read(path, key)

    def keep(self, question: RecordedRequest, route: Route, answer: Recorded) -> None:
        """Write its file again."""
        key = question.key(route)
        asked = {"dialect": question.name, "alias": route.config.alias, "id": route.config.id}
        data = {"v": 1, "request": {**asked, "body": question.body}, "answer": _written(answer)}
        write_json(self._root / key[:2] / f"{key}-{_occasion(question)}.json", data)

    def unknown(self, question: RecordedRequest, route: Route) -> str:
        """Names the hash."""
        return (
            f"no recording of request {question.key(route)} to {route.config.alias!r} "
            f"under {self._root}: record it with a gateway in mode 'record'"
        )


def write_json(path: Path, data: Body) -> None:
    """One file of recordings, atomically. Half a surrogate pair becomes JSON's escape for it."""
    text = json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True)
    write_text(path, text.encode("utf-8", "backslashreplace").decode() + "\n", durable=False)


def read_recording(path: Path, parse: Callable[[Any], T]) -> T:
    """What a recording's file says. Raises StoreError: the file, the fault and the fix."""
    with disk_errors(path):
        text = path.read_bytes()
    try:
        return parse(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path}: is no whole recording ({type(error).__name__}: {error}). "
            "Restore it, or record it again."
        ) from error


def _read(path: Path, key: str) -> Recorded:
    def parse(data: Any) -> Recorded:
        asked, answer = data["request"], data["answer"]
        of = canonical(asked["body"])
        if request_key(asked["dialect"], asked["alias"], asked["id"], of) != key:
            raise ValueError("the request in it has another hash than its name says")
        return Recorded(
            answer["status"],
            answer["content_type"],
            "".join(answer["body"]).encode("utf-8", "surrogateescape"),
            Reply(**answer["reply"]),
            answer["seconds"],
        )

    return read_recording(path, parse)


def _written(answer: Recorded) -> Body:
    """The body line by line, so that a diff can be read; joined they are the same bytes."""
    return {
        "status": answer.status,
        "content_type": answer.content_type,
        "body": answer.data.decode("utf-8", "surrogateescape").splitlines(keepends=True),
        "reply": asdict(answer.reply),
        "seconds": round(answer.seconds, 3),
    }


def _occasion(question: RecordedRequest) -> str:
    run = question.run
    named = json.dumps([run.plan, run.side, run.replicate, question.turn])
    return sha256(named.encode()).hexdigest()[:8]
