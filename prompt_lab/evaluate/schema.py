"""A value against a JSON schema: the few keywords that answers are held to."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prompt_lab.records import RunError

Schema = Mapping[str, Any]
_REFERENCES = 20

_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (
        not isinstance(v, bool)
        and (isinstance(v, int) or (isinstance(v, float) and v.is_integer()))
    ),
}


def first_fault(value: object, schema: Schema) -> RunError | None:
    """The first way in which a value breaks its schema, or None.

    Looks at type, enum, const, required, properties, additionalProperties: false, items, anyOf,
    oneOf (as anyOf) and local $ref; what else a schema says is not looked at. Kinds: wrong_type,
    not_allowed, missing_field, unexpected_field.

    >>> first_fault({"amount": "12"}, {"properties": {"amount": {"type": "number"}}}).kind
    'wrong_type'
    """
    return next(_faults(value, schema, schema, "the answer"), None)


def properties(schema: Schema) -> dict[str, dict[str, Any]]:
    """Field name -> its own schema, in the schema's order; local references are followed."""
    fields = schema.get("properties")
    if not isinstance(fields, Mapping):
        return {}
    return {str(name): dict(_resolved(part, schema)) for name, part in fields.items()}


def type_names(schema: Schema) -> tuple[str, ...]:
    """The JSON types that a schema allows, alternatives included; () where it does not say.

    >>> type_names({"anyOf": [{"type": "number"}, {"type": "null"}]})
    ('number', 'null')
    """
    said = schema.get("type")
    if isinstance(said, str):
        return (said,)
    if isinstance(said, list):
        return tuple(str(name) for name in said)
    return tuple(name for part in _alternatives(schema) for name in type_names(part))


def _faults(value: object, schema: object, root: Schema, place: str) -> Iterator[RunError]:
    schema = _resolved(schema, root)
    names = type_names(schema) if "type" in schema else ()
    if names and not any(_IS[name](value) for name in names if name in _IS):
        wanted = " or ".join(names)
        yield RunError(kind="wrong_type", message=f"{place} must be {wanted}, is {_shorten(value)}")
        return
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(allowed, list) and not any(_equal(value, one) for one in allowed):
        yield RunError(
            kind="not_allowed", message=f"{place} is {_shorten(value)}, not one of {allowed!r}"
        )
    yield from _no_alternative(value, schema, root, place)
    if isinstance(value, dict):
        yield from _object_faults(value, schema, root, place)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _faults(item, schema["items"], root, f"{place}[{index}]")


def _object_faults(
    value: dict[str, object], schema: Schema, root: Schema, place: str
) -> Iterator[RunError]:
    fields = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield RunError(kind="missing_field", message=f"{place} has no field {name!r}")
    if schema.get("additionalProperties") is False:
        for name in value:
            if name not in fields:
                yield RunError(
                    kind="unexpected_field", message=f"{place} has a field {name!r} of its own"
                )
    for name, part in fields.items():
        if name in value:
            yield from _faults(value[name], part, root, f"field {name!r}")


def _no_alternative(value: object, schema: Schema, root: Schema, place: str) -> Iterator[RunError]:
    """The fault of the last alternative, where a value fits none of them."""
    fault = None
    for part in _alternatives(schema):
        fault = next(_faults(value, part, root, place), None)
        if fault is None:
            return
    if fault is not None:
        yield fault


def _alternatives(schema: Schema) -> list[Schema]:
    parts = schema.get("anyOf") or schema.get("oneOf") or []
    return [part for part in parts if isinstance(part, Mapping)]


def _resolved(schema: object, root: Schema) -> Schema:
    """The schema that a local reference stands for; {} where it leads nowhere."""
    for _ in range(_REFERENCES):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: object = root
        for key in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            found = found.get(key) if isinstance(found, Mapping) else None
        schema = found
    return {}


def _equal(left: object, right: object) -> bool:
    """Equal as JSON: true is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
