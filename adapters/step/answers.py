"""What a step says of how it ended, in whatever shape, as an error of its run."""

import json
from collections.abc import Mapping
from typing import Any

from prompt_lab.records import RunError

STEP_ERROR = "step_error"
"""The kind of an error that a step returned without naming one."""
_LONGEST = 4000


def error_of(given: Any) -> RunError | None:
    """The error that `given` stands for; None for None alone.

    >>> error_of({"kind": "invalid_answer", "message": "no JSON"}).summary
    'invalid_answer: no JSON'
    >>> error_of("bad answer").summary, error_of({}).summary
    ('step_error: bad answer', 'step_error: {}')
    """
    if given is None:
        return None
    parts = given if isinstance(given, Mapping) else {}
    kind, message = parts.get("kind"), parts.get("message", given)
    if not (isinstance(kind, str) and kind.strip()):
        kind = STEP_ERROR
    text = message if isinstance(message, str) else json.dumps(message)
    return RunError(kind=kind, message=text[-_LONGEST:])


def dead(message: str, seconds: float) -> dict[str, Any]:
    """The answer about a plan with which its worker has died, as a worker would give it."""
    error = {"kind": "died", "message": f"the step ended its own worker process: {message}"}
    return {
        **{"error": error, "said": {}, "prints": ""},
        **{"printed": 0, "killed": 0, "seconds": seconds},
    }
