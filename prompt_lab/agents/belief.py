"""What is believed of a result before anything is done with it: its texts and its cost; pure."""

from dataclasses import replace
from math import isfinite

from prompt_lab.agents.port import AgentResult

UNKNOWN_COST = "what it cost is not known: its limit of ${limit:g} is counted"


def believed(result: AgentResult, limit: float) -> AgentResult:
    """The result with texts that can be written down, and a cost that can be counted.

    A cost that is no finite number from 0 up is not known. Then the agent's `limit` (US dollars
    for one task) is its cost, and the message says so: nothing would let a loop spend for ever.
    """
    result = replace(
        result,
        text=writable(result.text),
        transcript=writable(result.transcript),
        message=writable(result.message),
    )
    if isfinite(result.cost_usd) and result.cost_usd >= 0:
        return result
    told = UNKNOWN_COST.format(limit=limit)
    message = f"{result.message}; {told}" if result.message else told
    return replace(result, cost_usd=limit, message=message)


def writable(text: str) -> str:
    r"""A text that UTF-8 can hold: half of a surrogate pair becomes a question mark.

    >>> writable("a\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")
