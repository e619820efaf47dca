"""The one form of a request, and its name: equal requests have equal hashes."""

import json
from hashlib import sha256
from typing import Any, NoReturn

VOLATILE = frozenset(
    {"model", "user", "metadata", "safety_identifier", "prompt_cache_key", "store", "keep_alive"}
)
"""Keys at the top of a request that change from call to call and not what is asked."""

MANY = 200
"""Brackets in a body from which on it is tried whether its canonical form can be made."""


def read_body(raw: bytes) -> dict[str, Any]:
    """A request's body. Raises ValueError where it is not one JSON object."""
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
