"""A value against a JSON schema (draft 2020-12), by the jsonschema library."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from prompt_lab.records import RunError

Schema = Mapping[str, Any]
_REFERENCES = 20
_DEEPEST = 100
"""Levels of a value; where a shallower one exhausts the stack, it is the schema that has no end."""
_MESSAGE = 300
_KINDS = {
    "type": "wrong_type",
    "required": "missing_field",
    "dependentRequired": "missing_field",
    "additionalProperties": "unexpected_field",
    "unevaluatedProperties": "unexpected_field",
    "propertyNames": "unexpected_field",
}
INVALID_SCHEMA = "invalid_schema"


def first_fault(
    value: object, schema: Schema | bool, documents: Mapping[str, Schema | bool] | None = None
) -> RunError | None:
    """The first way in which a value breaks its schema, or None.

    By draft 2020-12, or by the draft that its $schema names; `format` is an annotation there and
    no claim. A $ref leads into the schema itself or into `documents` (schemas by URI): nothing is
    ever fetched. Kinds: wrong_type, missing_field, unexpected_field, not_allowed (all other
    keywords), and invalid_schema where the schema cannot be applied. Raises RecursionError for a
    value that is nested too deeply.

    >>> first_fault({"amount": "12"}, {"properties": {"amount": {"type": "number"}}}).kind
    'wrong_type'
    """
    known = (
        (uri, Resource.from_contents(text, default_specification=DRAFT202012))
        for uri, text in (documents or {}).items()
    )
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        validator = kind(schema, registry=Registry().with_resources(known))
        error = next(validator.iter_errors(value), None)
    except RecursionError:
        if _is_deeper(value, _DEEPEST):
            raise
        return None  # references that only lead to each other demand nothing
    except (UnknownType, Unresolvable, re.error, TypeError, AttributeError, ValueError) as error_:
        text = f"the schema cannot be applied: {_first_line(error_)}"
        return RunError(kind=INVALID_SCHEMA, message=text)
    return None if error is None else _fault(error)


def check_schema(schema: object) -> None:
    """Raises ValueError where it is no JSON schema of an object, with the place and the fault."""
    if not isinstance(schema, Mapping):
        raise ValueError(f"it is {_shorten(schema)}, not an object")
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "its top level"
        raise ValueError(f"at {place}: {_first_line(error)}") from error
    fault = first_fault(dict.fromkeys(properties(schema)), schema)
    if fault is not None and fault.kind == INVALID_SCHEMA:
        raise ValueError(fault.message)


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


def _fault(error: ValidationError) -> RunError:
    """The library's error in our kinds and words."""
    if error.validator in ("anyOf", "oneOf") and error.context:
        # Of the alternatives the first fault of the last one. One that is `false` has no path.
        last = error.context[-1].schema_path
        return _fault(next(p for p in error.context if list(p.schema_path)[:1] == list(last)[:1]))
    place, kind = _place(error.absolute_path), _KINDS.get(str(error.validator), "not_allowed")
    return RunError(kind=kind, message=f"{place} {_words(error)}")


def _words(error: ValidationError) -> str:
    """What is wrong with a place, in words that follow its name."""
    value, wanted = error.instance, error.validator_value
    if error.validator == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        return f"must be {' or '.join(map(str, names))}, is {_shorten(value)}"
    if error.validator in ("enum", "const"):
        allowed = wanted if error.validator == "enum" else [wanted]
        return f"is {_shorten(value)}, not one of {_shorten(allowed, _MESSAGE)}"
    if error.validator == "required":
        return f"has no field {next(name for name in wanted if name not in value)!r}"
    if error.validator == "additionalProperties":
        return f"has a field {_additional(value, error.schema)!r} of its own"
    return f"is {_shorten(value)}: {_first_line(error)}"


def _additional(value: Mapping[str, object], schema: Schema) -> str:
    patterns = schema.get("patternProperties", {})
    return next(
        name
        for name in value
        if name not in schema.get("properties", {})
        and not any(re.search(pattern, name) for pattern in patterns)
    )


def _place(path: Iterable[str | int]) -> str:
    """Where in the answer: the nearest field, and the indices below it."""
    place = "the answer"
    for part in path:
        place = f"{place}[{part}]" if isinstance(part, int) else f"field {part!r}"
    return place


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, ValidationError | SchemaError) else str(error)
    line = (text.strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= _MESSAGE else line[: _MESSAGE - 3] + "..."


def _is_deeper(value: object, levels: int) -> bool:
    """Whether a value has more than so many levels; counted level by level."""
    inner = [value]
    for _ in range(levels):
        inner = [
            part
            for one in inner
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(inner)


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


def _shorten(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
