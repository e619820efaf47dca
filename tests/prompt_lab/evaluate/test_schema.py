"""first_fault, properties and type_names."""

from typing import Any

import pytest

from prompt_lab.evaluate.schema import first_fault, properties, type_names

ITEM = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1.0, {"type": "integer"}),
        (None, {"type": ["string", "null"]}),
        (None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("a", {"enum": ["a", "b"]}),
        ([{"n": 1}], {"type": "array", "items": ITEM}),
        ({"i": {"n": 1}}, {"properties": {"i": {"$ref": "#/$defs/I"}}, "$defs": {"I": ITEM}}),
        ({"extra": 1}, {"type": "object"}),
        ("anything", {}),
        ("anything", {"$ref": "#"}),
        (1, {"type": "object or so"} | {"type": "number"}),
    ],
)
def test_what_fits_has_no_fault(value: object, schema: dict[str, Any]) -> None:
    assert first_fault(value, schema) is None


@pytest.mark.parametrize(
    ("value", "schema", "kind"),
    [
        (1.5, {"type": "integer"}, "wrong_type"),
        (True, {"type": "number"}, "wrong_type"),
        (True, {"enum": [1]}, "not_allowed"),
        ("c", {"enum": ["a", "b"]}, "not_allowed"),
        (2, {"const": 1}, "not_allowed"),
        ([{"n": 1}, {}], {"type": "array", "items": ITEM}, "missing_field"),
        (1, {"anyOf": [{"type": "string"}, {"type": "null"}]}, "wrong_type"),
        (
            {"i": {}},
            {"properties": {"i": {"$ref": "#/$defs/I"}}, "$defs": {"I": ITEM}},
            "missing_field",
        ),
        ({"x": 1}, {"properties": {}, "additionalProperties": False}, "unexpected_field"),
    ],
)
def test_what_does_not_fit_has_its_kind(value: object, schema: dict[str, Any], kind: str) -> None:
    fault = first_fault(value, schema)
    assert fault is not None
    assert fault.kind == kind


def test_fields_and_their_types_in_the_schemas_order() -> None:
    schema = {
        "properties": {"b": {"$ref": "#/$defs/I"}, "a": {"type": ["number", "null"]}},
        "$defs": {"I": ITEM},
    }
    fields = properties(schema)
    assert list(fields) == ["b", "a"]
    assert fields["b"] == ITEM
    assert type_names(fields["a"]) == ("number", "null")
    assert properties({"properties": 3}) == {}
