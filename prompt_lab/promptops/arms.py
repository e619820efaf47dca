"""Which arm of a canary a call is in. Pure, and a few microseconds: every `prepare` asks."""

from hashlib import blake2b

from prompt_lab.promptops.records import Arm, Canary

_SCALE = float(2**64)


def choose_arm(canary: Canary, unit: str) -> Arm:
    """The arm of a unit, the same at every call: its hash against the shares of the two arms.

    >>> one = Canary(prompt_id="query", candidate="b", control="a", verdict_id="1_query",
    ...              share=0.5, seed=1, started="2026-01-01T00:00:00.000Z")
    >>> {choose_arm(one, "user 7") for _ in range(9)} == {choose_arm(one, "user 7")}
    True
    """
    key = f"{canary.seed}\0{canary.prompt_id}\0{unit}".encode()
    drawn = int.from_bytes(blake2b(key, digest_size=8).digest()) / _SCALE
    if drawn < canary.share:
        return "canary"
    return "control" if drawn < 2 * canary.share else ""
