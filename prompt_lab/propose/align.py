"""Strategy `align_with_schema`: say in the prompt what the schema says of each field."""

from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.evaluate.schema import properties
from prompt_lab.propose.model import Draft, Material, Rewrite
from prompt_lab.propose.sections import (
    FIELDS,
    block,
    halves,
    is_inert,
    one_line,
    put_block,
    with_system,
)


class AlignWithSchema(Rewrite):
    """Adds a line for each field whose description the prompt does not hold yet."""

    name = "align_with_schema"

    def attempt(self, material: Material) -> Draft | str:
        """The prompt with the block of fields; a line that is there for a field is replaced."""
        described = _field_descriptions(material)
        if not described:
            return "the step's schema describes no field"
        held = normalize_text(material.prompt)
        missing = {
            name: text for name, text in described.items() if normalize_text(text) not in held
        }
        if not missing:
            return "the prompt already holds the descriptions of all fields"
        system = halves(material.prompt).system
        lines = _merge_lines(block(system, FIELDS) or [], missing)
        names = ", ".join(missing)
        return Draft(
            text=with_system(material.prompt, put_block(system, FIELDS, lines)),
            title=f"Describe the fields of the answer in the prompt: {names}",
            description=(
                f"The schema describes {names}, the prompt of {material.step} does not. This "
                "repeats the schema's words in the prompt, one line for each field."
            ),
            strategy=self.name,
        )


def _field_descriptions(material: Material) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, schema in properties(material.schema or {}).items():
        text = one_line(str(schema.get("description") or ""))
        if text and is_inert(f"- {name}: {text}") and one_line(name) == name:
            found[name] = text
    return found


def _merge_lines(lines: list[str], missing: dict[str, str]) -> list[str]:
    left = dict(missing)
    merged = []
    for line in lines:
        name = line[2:].partition(":")[0]
        merged.append(f"- {name}: {left.pop(name)}" if name in left else line)
    return merged + [f"- {name}: {text}" for name, text in left.items()]
