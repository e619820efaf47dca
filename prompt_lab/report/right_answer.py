"""The answer that a run should have given, in the words that it gave where these are right."""

import json
from typing import Any

from prompt_lab.evaluate.normalize import values_equal


def right_answer(answer: str, gold: str) -> str:
    """What the answer would be if it were right: gold, with what gold is silent about.

    A field that gold lacks is not wrong, nor is one that equals gold in another spelling. Both
    texts have to be JSON objects; else gold itself.

    >>> right_answer('{"a": 18.0, "b": 2}', '{"a": 18}')
    '{\\n  "a": 18.0,\\n  "b": 2\\n}'
    """
    try:
        found, wanted = json.loads(answer), json.loads(gold)
    except (ValueError, RecursionError):
        return gold
    if not (isinstance(found, dict) and isinstance(wanted, dict)):
        return gold
    spelled = _spelled(found)
    if _packed(spelled) != _packed(answer):  # numbers or escapes that json spells otherwise
        return answer if _expected(found, wanted) == found else gold
    return _spelled(_expected(found, wanted))


def _expected(found: Any, wanted: Any) -> Any:
    """`found` with each value of `wanted` that it does not equal."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        known = {k: _expected(v, wanted[k]) if k in wanted else v for k, v in found.items()}
        return known | {key: value for key, value in wanted.items() if key not in found}
    return found if values_equal(wanted, found) else wanted


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _packed(text: str) -> str:
    return "".join(text.split())
