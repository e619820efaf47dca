"""The key `response_format` of chat completions."""

from collections.abc import Mapping
from typing import Any

_REFUSED = {
    *("allOf", "oneOf", "not", "if", "then", "else"),
    *("dependentRequired", "dependentSchemas", "patternProperties"),
}
"""Keywords that a strict schema may not hold."""


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The key `response_format` of a request.

    `strict` is true only where OpenAI takes it: a schema with an optional field would be refused.
    Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    strict = schema.get("type") == "object" and "anyOf" not in schema and _strict(schema)
    body = {"name": "answer", "schema": dict(schema), "strict": strict}
    return {"type": "json_schema", "json_schema": body}


def _strict(schema: object) -> bool:
    """Whether each object in it requires all of its fields and allows no others."""
    if not isinstance(schema, Mapping) or _REFUSED & schema.keys():
        return False
    fields = _named_schema(schema, "properties")
    if "properties" in schema or "object" in _types(schema):
        required = schema.get("required", [])
        closed = schema.get("additionalProperties") is False
        if not closed or not all(name in required for name in fields):
            return False
    choices = schema.get("anyOf", [])
    parts = [*fields.values(), *_named_schema(schema, "$defs").values()]
    parts += _named_schema(schema, "definitions").values()
    parts += choices if isinstance(choices, list) else []
    parts += [schema["items"]] if "items" in schema else []
    return all(map(_strict, parts))


def _types(schema: Mapping[str, Any]) -> list[Any]:
    said = schema.get("type")
    return said if isinstance(said, list) else [said]


def _named_schema(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}
