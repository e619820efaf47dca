"""Checks a JSON line against a published schema, by the few words of the standard that we use."""

import json
from typing import Any

from tests.tools.schemas import DOCS

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "number": (int, float),
    "integer": (int,), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_KNOWN = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description",
    "enum", "items", "maxLength", "minimum", "properties", "required", "title", "type",
}  # fmt: skip


def check(name: str, value: object) -> None:
    """AssertionError where the value is not what docs/<name>.schema.json asks for."""
    schema = json.loads((DOCS / f"{name}.schema.json").read_text("utf-8"))
    _check(schema, value, schema.get("$defs", {}), name)


def _check(schema: dict[str, Any], value: Any, known: dict[str, Any], place: str) -> None:
    assert schema.keys() <= _KNOWN, f"{place}: the check knows no {schema.keys() - _KNOWN}"
    if "$ref" in schema:
        _check(known[schema["$ref"].rpartition("/")[2]], value, known, place)
    if "anyOf" in schema:
        assert any(_fits(one, value, known) for one in schema["anyOf"]), f"{place}: {value!r}"
    if "type" in schema:
        fits = isinstance(value, _TYPES[schema["type"]])
        assert fits, f"{place}: {value!r}"
        assert not isinstance(value, bool) or schema["type"] == "boolean", place
    assert value in schema.get("enum", [value]), f"{place}: {value!r}"
    assert value == schema.get("const", value), f"{place}: {value!r}"
    if isinstance(value, dict):
        _check_object(schema, value, known, place)
    for index, one in enumerate(value if isinstance(value, list) else []):
        _check(schema.get("items", {}), one, known, f"{place}.{index}")


def _check_object(
    schema: dict[str, Any], value: dict[str, Any], known: dict[str, Any], place: str
) -> None:
    missing = set(schema.get("required", [])) - value.keys()
    assert not missing, f"{place}: lacks {missing}"
    properties, further = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, one in value.items():
        assert key in properties or further is not False, f"{place}: has {key!r}"
        inner = properties.get(key, further if isinstance(further, dict) else {})
        _check(inner, one, known, f"{place}.{key}")


def _fits(schema: dict[str, Any], value: object, known: dict[str, Any]) -> bool:
    try:
        _check(schema, value, known, "")
    except AssertionError:
        return False
    return True
