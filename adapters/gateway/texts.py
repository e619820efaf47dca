"""What a request says to a model, in any dialect, as one text."""

from collections.abc import Iterator, Mapping, Sequence

from prompt_lab.evaluate.sent_prompt import fold

_TEXTS = ("system", "instructions", "messages", "input", "prompt")
"""Keys of a request, in any dialect, under which its texts are."""


def request_text(request: Mapping[str, object]) -> str:
    """All texts of a request, the system's first, white space folded."""
    return fold(" ".join(text for key in _TEXTS for text in _texts(request.get(key))))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)
