"""A schema is asked for strictly where OpenAI takes it so, and only there."""

from typing import Any

import pytest

from adapters.llm.response_format import response_format

NUMBER = {"type": "number"}


def closed(required: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """An object of these fields, all required unless said otherwise, and of no others."""
    names = list(fields) if required is None else required
    return {
        "type": "object",
        "properties": fields,
        "required": names,
        "additionalProperties": False,
    }


def strict(schema: dict[str, Any]) -> bool:
    said = response_format(schema)["json_schema"]
    assert said["schema"] == schema
    return bool(said["strict"])


@pytest.mark.parametrize(
    "schema",
    [
        closed(amount=NUMBER),
        closed(a={"anyOf": [closed(b=NUMBER), {"type": "null"}]}, c={"type": ["number", "null"]}),
        closed(rows={"type": "array", "items": closed(type=NUMBER, properties=NUMBER)}),
        {**closed(a={"$ref": "#/$defs/a"}), "$defs": {"a": closed(x=NUMBER)}},
    ],
)
def test_a_schema_that_leaves_nothing_open_is_strict(schema: dict[str, Any]) -> None:
    assert strict(schema)


OPEN: dict[str, Any] = {"type": "object", "properties": {"x": NUMBER}, "required": ["x"]}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        OPEN,
        closed([], amount=NUMBER),
        {"type": "array", "items": NUMBER},
        {**closed(), "anyOf": [closed(a=NUMBER)]},
        closed(a=closed(["b"], b=NUMBER, c=NUMBER)),
        closed(a={"anyOf": [OPEN, {"type": "null"}]}),
        closed(a={"type": ["object", "null"]}),
        closed(rows={"type": "array", "items": OPEN}),
        closed(a={"allOf": [NUMBER]}),
        {**closed(a={"$ref": "#/$defs/a"}), "$defs": {"a": OPEN}},
        {"type": "object", "properties": [], "required": None},
    ],
)
def test_a_schema_with_something_open_is_not(schema: dict[str, Any]) -> None:
    assert not strict(schema)
