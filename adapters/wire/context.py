"""Whether a request fits a server's context, by its own words and by what the server counted.

Ollama cuts the front of a request that is too long, the system prompt with it, and answers 200.
"""

CHARACTERS_PER_TOKEN = 7
"""More than any tokenizer gets out of ordinary text, white space folded (usually 3 to 5)."""

SMALLEST_CONTEXT = 2048
"""Tokens that every version of Ollama reads where nothing else is asked for."""


def fewest_tokens(text: str) -> int:
    """A lower bound of a text's tokens: one for each word, and for each 7 characters.

    >>> fewest_tokens("List   what matters"), fewest_tokens("x" * 700)
    (3, 100)
    """
    words = text.split()
    length = sum(map(len, words)) + max(0, len(words) - 1)
    return max(len(words), length // CHARACTERS_PER_TOKEN)


def cannot_fit(text: str, context: int) -> bool:
    """Whether a text fills a context of so many tokens, so that nothing that fits is refused."""
    return fewest_tokens(text) >= context


def was_cut(text: str, context: int | None, read_tokens: int) -> bool:
    """Whether a server that read so many tokens of a text has cut it. `context` None: unknown.

    It has where the count fills the context, or is below the fewest that the text can have. A
    count of less than half of the context is that of a server that leaves cached tokens out.
    """
    if context is not None and read_tokens >= context:
        return True
    return (context or SMALLEST_CONTEXT) // 2 <= read_tokens < fewest_tokens(text)
