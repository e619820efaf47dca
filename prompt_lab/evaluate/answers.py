"""One call of a prompt-file step: `render` before it and `parse_answer` after it, both pure."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from prompt_lab.errors import InputTruncated
from prompt_lab.evaluate.extract import extract_object
from prompt_lab.evaluate.schema import Schema, first_fault
from prompt_lab.json_limits import check_json_limits
from prompt_lab.ports import Request, StepAdapter
from prompt_lab.prompts.text import DeclaredStyle, fill_placeholders, resolve_style, split
from prompt_lab.records import RunError

NEUTRAL_SYSTEM = "You are a helpful assistant."
"""Sent where a prompt has no system part: chat templates put in a text of their own otherwise."""
NEUTRAL_USER = "Do what the instructions above say."
"""Sent where a prompt without a `[user]` line holds all inputs itself: most vendors refuse a
request without a user message."""


MOST_QUOTED = 120
"""Characters of an answer that is not JSON in its error."""
MOST_SHOWN = 300
"""Characters of a withheld answer in its error; the step's raw output has all of them."""
WITHHELD_WORDS = {
    "refusal": "the model refused to answer",
    "content_filter": "a content filter of the provider withheld the answer or a part of it",
    InputTruncated.kind: "the server cut the front of the request, which is longer than its"
    " context (num_ctx)",
}


@runtime_checkable
class RequestBuilder(StepAdapter, Protocol):
    """A step of which each run is one request, known before it is sent."""

    def build_request(self, worktree: Path, plan_dir: Path, seed: int | None) -> Request:
        """What a run there would send. Raises TargetError or StoreError for unreadable files."""


def render(
    prompt: str,
    inputs: Mapping[str, str],
    schema: Schema | None,
    *,
    max_tokens: int,
    seed: int | None,
    style: DeclaredStyle = "auto",
) -> Request:
    """The request that a prompt file makes of a plan's inputs (placeholder name -> text).

    The only place where a prompt is filled, whichever command asks. `style` is the step's
    `placeholder_style`.

    >>> render("[user]\\nRead {note}", {"note": "hi"}, None, max_tokens=8, seed=None).system
    'You are a helpful assistant.'
    """
    parts = split(prompt)
    system, user = fill_placeholders(parts, inputs, resolve_style(prompt, inputs, style))
    if not user and not parts.user:
        user = NEUTRAL_USER
    return Request(system or NEUTRAL_SYSTEM, user, schema, max_tokens, seed)


def parse_answer(
    text: str, schema: Schema | None, finish_reason: str = "stop", *, extract: bool = False
) -> dict[str, Any] | RunError:
    """The JSON object that an answer is, or why it is none.

    Strict by default: the whole text is one object, without fences or words around it, keys not
    repeated, numbers finite. With `extract` the one object within the text counts
    (`extract_object`). Kinds: empty_answer, truncated (cut at the token limit, so it does not
    parse), invalid_json, those of `find_refusal`, and those of `first_fault`.

    >>> parse_answer('{"amount": 12.5}', None)
    {'amount': 12.5}
    >>> parse_answer('{"amount": 12', None, "length").kind
    'truncated'
    """
    if refusal := find_refusal(text, finish_reason):
        return refusal
    try:
        check_json_limits(text.encode("utf-8", "replace"))
        value = json.loads(
            extract_object(text) if extract else text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
        )
        fault = _not_an_object(value) or first_fault(value, schema or {})
    except (ValueError, RecursionError) as error:
        return _unparsed(text, finish_reason, str(error), extract=extract)
    return fault or value


def find_refusal(text: str, finish_reason: str) -> RunError | None:
    """The error of an answer that its model or a filter withheld, whatever its text looks like.

    Kinds: refusal, content_filter. What there is of a text is kept in the message, shortened.

    >>> find_refusal("I cannot help with that.", "refusal").message
    "the model refused to answer: 'I cannot help with that.'"
    """
    what = WITHHELD_WORDS.get(finish_reason)
    if what is None:
        return None
    shown = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    return RunError(kind=finish_reason, message=f"{what}: {shown!r}")


def text_sha256(text: str) -> str:
    """Of a prompt file's text, placeholders unfilled: what `prompt_sha256` of a run holds."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def request_sha256(request: Request) -> str:
    """Of all that decides the answer besides the model: messages, schema in its order, limit."""
    parts = [request.system, request.user, request.schema, request.max_tokens]
    return text_sha256(json.dumps(parts))


def blob_id(content: bytes) -> str:
    """The id that git gives a file with this content.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _unparsed(text: str, finish_reason: str, why: str, *, extract: bool) -> RunError:
    if finish_reason == "length":
        return RunError(
            kind="truncated", message=f"the token limit cut the answer after {len(text)} characters"
        )
    if not text.strip():
        return RunError(kind="empty_answer", message="the model answered nothing")
    lines = " ".join(text.split())
    shown = lines if len(lines) <= MOST_QUOTED else lines[:MOST_QUOTED] + "…"
    hint = _extract_hint(text) if not extract else ""
    return RunError(kind="invalid_json", message=f"{why}: the answer is {shown!r}{hint}")


def _extract_hint(text: str) -> str:
    """What to set where an object stands within other text."""
    if extract_object(text) == text:
        return ""
    return "; 'answer: extract' in the step's file takes the object out of the text around it"


def _not_an_object(value: object) -> RunError | None:
    if isinstance(value, dict):
        return None
    kind = type(value).__name__
    return RunError(kind="wrong_type", message=f"the answer must be a JSON object, is a {kind}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return fields


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is too large a number")
    return value
