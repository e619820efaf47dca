"""The closed sets of words that records and messages use."""

from enum import StrEnum


class Side(StrEnum):
    """Which version of the target a run used."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Split(StrEnum):
    """Which half of the plans: verify is never read before a final gate."""

    TRAIN = "train"
    VERIFY = "verify"


class Status(StrEnum):
    """How a run ended: 'error' is the model's bad answer (data, score 0)."""

    OK = "ok"
    ERROR = "error"


class Outcome(StrEnum):
    """What a verdict says."""

    YES = "YES"
    NO = "NO"
    CONDITIONAL = "CONDITIONAL"
    INVALID = "INVALID"


class PullState(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
