"""The one text of a template that a prompt of the lab is: its only text, or its system message."""

from copy import deepcopy
from typing import Any

from prompt_lab.errors import RegistryError


def read_text(messages: list[dict[str, Any]], where: str) -> str:
    """The text of the system message, or of the only message. Raises RegistryError."""
    block, key = _find_block(messages, where)
    return str(block[key])


def replace_text(messages: list[dict[str, Any]], text: str, where: str) -> list[dict[str, Any]]:
    """The messages with another text in that place; everything else stays."""
    changed = deepcopy(messages)
    block, key = _find_block(changed, where)
    block[key] = text
    for message in changed:
        message.pop("input_variables", None)  # the service derives them from the text
    return changed


def _find_block(messages: object, where: str) -> tuple[dict[str, Any], str]:
    """The object and the key that hold the text."""
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise RegistryError(f"{where}: its messages cannot be read")
    system = [one for one in messages if one.get("role") == "system"]
    chosen = system or messages
    if len(chosen) != 1:
        what = f"{len(chosen)} system messages" if system else f"{len(messages)} messages"
        raise RegistryError(
            f"{where}: has {what}, so which text the lab's prompt is is not clear. Keep one"
            " system message in it."
        )
    content = chosen[0].get("content")
    if isinstance(content, str):
        return chosen[0], "content"
    if isinstance(content, list):
        texts = [b for b in content if isinstance(b, dict) and isinstance(b.get("text"), str)]
        if len(texts) == len(content) == 1:
            return texts[0], "text"
    raise RegistryError(f"{where}: its system message is not one text")
