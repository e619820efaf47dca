"""Read a rendered page as a browser would: its elements, attributes and text."""

from collections import Counter
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any, TypeVar

from pydantic import BaseModel

POISON = "<script>alert(1)</script>{{ 7*7 }}\"'><img src=x onerror=alert(2)>"
T = TypeVar("T")


class Page(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Attributes of the elements of that name that have these attributes (class: one of)."""
        return [
            attrs
            for name, attrs in self.elements
            if name == tag
            and all(
                value in attrs.get(key.rstrip("_"), "").split() for key, value in wanted.items()
            )
        ]

    @property
    def tags(self) -> Counter[str]:
        """How often each element occurs."""
        return Counter(tag for tag, _ in self.elements)

    @property
    def attributes(self) -> set[str]:
        """Names of all attributes."""
        return {name for _, attrs in self.elements for name in attrs}


def poisoned(value: T) -> T:
    """The same records with POISON at the end of every free text and every key."""
    return _poisoned(value)  # type: ignore[no-any-return]


def _poisoned(value: Any) -> Any:
    if isinstance(value, BaseModel):
        names = [name for name in type(value).model_fields if name != "state"]
        return value.model_copy(update={n: _poisoned(getattr(value, n)) for n in names})
    if isinstance(value, tuple | list):
        return type(value)(_poisoned(item) for item in value)
    if isinstance(value, dict):
        return {_poisoned(key): _poisoned(item) for key, item in value.items()}
    return value + POISON if isinstance(value, str) and not isinstance(value, StrEnum) else value
