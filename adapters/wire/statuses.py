"""What the HTTP status of a model's server means, for the gateway and for direct clients."""

from enum import Enum


class StatusKind(Enum):
    """What a caller does about a status."""

    ANSWER = "answer"
    RETRYABLE = "retryable"
    UNUSABLE = "unusable"
    REFUSED = "refused"


_PATIENCE = frozenset({408, 409, 425, 429})
_UNUSABLE = frozenset({401, 402, 403, 404, 405, 410})
_REASONS = {401: "the key", 402: "to go on without credit", 403: "the key"}


def classify_status(status: int) -> StatusKind:
    """Whether a status is an answer, may pass, says that no call helps, or refuses this request.

    Of 2xx only 200 is an answer: nothing else has a body that says one. A redirect is not
    followed: the prompt and the key would go to a server that no config names.

    >>> [classify_status(s).value for s in (200, 307, 400, 401, 429, 503)]
    ['answer', 'unusable', 'refused', 'unusable', 'retryable', 'retryable']
    """
    if status == 200:
        return StatusKind.ANSWER
    if status in _PATIENCE or status >= 500:
        return StatusKind.RETRYABLE
    if status in _UNUSABLE or status < 400:
        return StatusKind.UNUSABLE
    return StatusKind.REFUSED


def describe_unusable(status: int) -> str:
    """Why no call can help, for a message.

    >>> describe_unusable(401), describe_unusable(404)
    ('the server refused the key', 'the server knows no such model or address')
    """
    if status in _REASONS:
        return f"the server refused {_REASONS[status]}"
    if 300 <= status < 400:
        return "the server redirects to another address, which is not followed: correct base_url"
    return "the server knows no such model or address"
