"""Strategy `state_contract`: say in the prompt what form the answer must have."""

import json
from collections.abc import Mapping
from typing import Any

from prompt_lab.evaluate.schema import properties, type_names
from prompt_lab.propose.model import Draft, Material, Rewrite
from prompt_lab.propose.sections import (
    CONTRACT,
    block,
    halves,
    is_inert,
    one_line,
    put_block,
    with_system,
)

_WORDS = {"boolean": "true or false", "array": "list", "integer": "whole number"}


class StateContract(Rewrite):
    """Adds the keys with their types and allowed values; an earlier contract is replaced."""

    name = "state_contract"

    def attempt(self, material: Material) -> Draft | str:
        """The prompt with the contract at the end of its system half."""
        schema = material.schema or {}
        lines = [_line(name, part, schema) for name, part in properties(schema).items()]
        if not lines:
            return "the step's schema names no field"
        if not all(map(is_inert, lines)):
            return "a field or value of the schema looks like a placeholder"
        system = halves(material.prompt).system
        if block(system, CONTRACT) == lines:
            return "the prompt already states the contract"
        return Draft(
            text=with_system(material.prompt, put_block(system, CONTRACT, lines)),
            title="State the form of the answer in the prompt",
            description=(
                f"The prompt of {material.step} now says that the answer is one JSON object, "
                f"which keys it has ({', '.join(properties(schema))}) and what each may hold."
            ),
            strategy=self.name,
        )


def _line(name: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    optional = "" if name in schema.get("required", ()) else ", may be left out"
    return one_line(f"- {json.dumps(name, ensure_ascii=False)}: {_kind(part)}{optional}")


def _kind(part: Mapping[str, Any]) -> str:
    allowed = [part["const"]] if "const" in part else part.get("enum")
    if isinstance(allowed, list):
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in allowed)
    items = part.get("items")
    if type_names(part) == ("array",) and isinstance(items, Mapping):
        return f"list, each item {_kind(items)}"
    return " or ".join(_WORDS.get(name, name) for name in type_names(part)) or "any value"
