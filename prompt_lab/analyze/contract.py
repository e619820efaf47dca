"""Compare what a prompt and the schema say about the form of the answer."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from prompt_lab.analyze.words import line, tokens
from prompt_lab.records import PromptVersion, Record

_KEY = re.compile(r"[\"'“](\w[\w-]*)[\"'”]\s*:")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}

Kind = Literal["unknown_key", "key_not_named", "label_not_named", "label_unknown", "type"]


class Contradiction(Record):
    """One difference between prompt and schema."""

    kind: Kind
    key: str
    text: str


def contradictions(prompt: PromptVersion) -> tuple[Contradiction, ...]:
    """Keys, labels and types in which a prompt and its JSON schema differ; none without a schema.

    A prompt that names no key of the schema has no contract of its own that could contradict it.
    """
    properties = dict(_properties(_json(prompt.schema_text)))
    examples = [found for found in _objects(prompt.text) if properties.keys() & found.keys()]
    named = {key for key in _KEY.findall(prompt.text) if properties}
    if not named & properties.keys() and not examples:
        return tuple(_labels(prompt.text, properties))
    found = [
        *_unknown(named, examples, properties),
        *_not_named(prompt.text, properties),
        *_labels(prompt.text, properties),
        *_mistyped(examples, properties),
    ]
    return tuple(dict.fromkeys(found))


def _unknown(
    named: set[str], examples: list[dict[str, Any]], properties: Mapping[str, Any]
) -> Iterator[Contradiction]:
    for key in sorted(named.union(*examples) - properties.keys()):
        yield Contradiction(
            kind="unknown_key", key=key, text=f"the prompt asks for {key!r}, the schema has none"
        )


def _not_named(text: str, properties: Mapping[str, Any]) -> Iterator[Contradiction]:
    spoken = line(tokens(text))
    for key, rule in properties.items():
        if rule.get("x-required") and line(tokens(key)) not in spoken and key not in text:
            yield Contradiction(
                kind="key_not_named",
                key=key,
                text=f"the schema requires {key!r}, the prompt does not name it",
            )


def _labels(text: str, properties: Mapping[str, Any]) -> Iterator[Contradiction]:
    """A list of labels in the prompt that has some of the schema's, but not all."""
    spoken = line(tokens(text))
    for key, rule in properties.items():
        labels = [label for label in rule.get("enum", ()) if isinstance(label, str) and label]
        missing = [label for label in labels if line(tokens(label)) not in spoken]
        if len(labels) >= 2 and 0 < len(missing) < len(labels) - 1:
            yield Contradiction(
                kind="label_not_named",
                key=key,
                text=f"the prompt lists labels of {key!r} without {', '.join(map(repr, missing))}",
            )


def _mistyped(
    examples: list[dict[str, Any]], properties: Mapping[str, Any]
) -> Iterator[Contradiction]:
    for example in examples:
        for key, value in example.items():
            rule = properties.get(key, {})
            types = rule.get("type", [])
            allowed = [types] if isinstance(types, str) else types
            if allowed and not any(_is(value, name) for name in allowed):
                yield Contradiction(
                    kind="type",
                    key=key,
                    text=f"an example gives {key!r} as {json.dumps(value)[:60]}, "
                    f"the schema wants {' or '.join(allowed)}",
                )
            if "enum" in rule and value not in rule["enum"] and not isinstance(value, list | dict):
                yield Contradiction(
                    kind="label_unknown",
                    key=key,
                    text=f"an example gives {key!r} as {json.dumps(value)[:60]}, no label of it",
                )


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return name not in _TYPES or isinstance(value, _TYPES[name])


def _properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every named property at any depth; 'x-required' says whether its object requires it."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _properties(inner)
    if not isinstance(schema, dict):
        return
    named = schema.get("properties")
    required = schema.get("required")
    for key, rule in named.items() if isinstance(named, dict) else ():
        if isinstance(rule, dict):
            yield key, {**rule, "x-required": isinstance(required, list) and key in required}
    for key, inner in schema.items():
        many = key in ("properties", "$defs", "definitions") and isinstance(inner, dict)
        yield from _properties(list(inner.values()) if many else inner)


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a text, wherever they begin."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
