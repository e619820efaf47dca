"""first_fault, properties and type_names."""

from typing import Any

import pytest

from prompt_lab.evaluate.schema import check_schema, first_fault, properties, type_names

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


ONE = {"oneOf": [{"minimum": 0}, {"multipleOf": 2}]}
CASES: list[tuple[object, Any, str | None]] = [
    (3, ONE, None),
    (-2, ONE, None),
    (4, ONE, "not_allowed"),  # fits both alternatives
    (-3, ONE, "not_allowed"),
    ("EUR", {"pattern": "^[A-Z]{3}$"}, None),
    ("euro", {"pattern": "^[A-Z]{3}$"}, "not_allowed"),
    (7, {"pattern": "^[A-Z]{3}$"}, None),
    (0, {"minimum": 0}, None),
    (-0.5, {"minimum": 0}, "not_allowed"),
    (0, {"exclusiveMinimum": 0}, "not_allowed"),
    ({"a": 1}, {"allOf": [{"required": ["a"]}, {"properties": {"a": {"maximum": 1}}}]}, None),
    ({"a": 2}, {"allOf": [{"required": ["a"]}, {"properties": {"a": {"maximum": 1}}}]},
     "not_allowed"),
    ({}, {"allOf": [{}, {"required": ["a"]}]}, "missing_field"),
    ({"a": {"n": "x"}}, {"properties": {"a": {"$ref": "#/$defs/I"}}, "$defs": {"I": ITEM}},
     "wrong_type"),
    ({"n": 1}, {"$ref": "#/$defs/I", "required": ["m"], "$defs": {"I": ITEM}}, "missing_field"),
    ("no date", {"format": "date"}, None),  # an annotation in draft 2020-12, and no claim
    ([1, 1], {"uniqueItems": True}, "not_allowed"),
    ({"a": 1}, {"patternProperties": {"^x": {}}, "additionalProperties": False},
     "unexpected_field"),
    ({"x1": 1}, {"patternProperties": {"^x": {}}, "additionalProperties": False}, None),
    (1, False, "not_allowed"),
    (1, {"anyOf": [{"type": "string"}, False]}, "not_allowed"),
    (1, True, None),
    ([1], {"items": [{"type": "string"}],
           "$schema": "http://json-schema.org/draft-07/schema#"}, "wrong_type"),
    (1, {"type": "colour"}, "invalid_schema"),
    ("a", {"pattern": "("}, "invalid_schema"),
    (1, {"$ref": "#/$defs/gone"}, "invalid_schema"),
    (1, {"$ref": "http://127.0.0.1:9/schema.json"}, "invalid_schema"),  # nothing is fetched
]  # fmt: skip


@pytest.mark.parametrize(("value", "schema", "kind"), CASES)
def test_each_keyword_holds_an_answer_to_what_it_says(
    value: object, schema: Any, kind: str | None
) -> None:
    fault = first_fault(value, schema)
    assert (fault.kind if fault else None) == kind


def test_a_fault_names_its_place_and_stays_short() -> None:
    schema = {"properties": {"items": {"items": {"pattern": "^a"}}}}
    fault = first_fault({"items": ["a", "b" * 10_000]}, schema)
    assert fault is not None
    assert fault.message.startswith("field 'items'[1] is 'bbb")
    assert len(fault.message) < 500


def test_a_value_nested_too_deeply_is_no_fault_of_the_schema() -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(RecursionError):
        first_fault(value, {"items": {"$ref": "#"}})
    assert first_fault([], {"allOf": [{"$ref": "#"}]}) is None


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "not an object"),
        ({"properties": 3}, "at properties"),
        ({"properties": {"a": {"minimum": "0"}}}, "at properties/a/minimum"),
        ({"properties": {"a": {"type": "colour"}}}, "at properties/a/type"),
        ({"properties": {"a": {"$ref": "#/$defs/gone"}}}, "/$defs/gone"),
    ],
)
def test_what_is_no_schema_is_named_by_its_place(schema: object, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("$", r"\$")):
        check_schema(schema)
    check_schema({"properties": {"a": ITEM}})
