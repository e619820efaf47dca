"""What a worker says, as far as it can be believed: its process is the target's."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class WorkerError(_Message):
    """Why a plan or a worker failed."""

    kind: str
    message: str


class Installed(_Message):
    """The interpreter of a worker."""

    python: str
    sha256: str


class Ready(_Message):
    """A worker that has loaded its step."""

    files: dict[str, str]
    elsewhere: dict[str, str]
    prompt_sha256: str
    prompt: str = ""
    installed: Installed
    unbound: list[str]


class Greeting(_Message):
    """The answer to the set-up: one of both."""

    ready: Ready | None = None
    failed: WorkerError | None = None


class PlanAnswer(_Message):
    """The end of one plan; what is left out was not reported."""

    error: WorkerError | None
    said: dict[str, Any]
    prints: str
    printed: int = Field(ge=0)
    killed: int = Field(ge=0)
    seconds: FiniteFloat
    cpu_seconds: FiniteFloat | None = None
    files: dict[str, str] | None = None
    elsewhere: dict[str, str] | None = None
    prompt_sha256: str | None = None
    plan_read: list[str] | None = None
    outside: dict[str, str] | None = None
    scores: dict[str, float] | None = None


def check_answer(message: dict[str, Any]) -> dict[str, Any]:
    """The message as the rest of our code reads it. Raises ValueError for any other shape."""
    found = PlanAnswer.model_validate(message).model_dump(exclude_none=True)
    return {"error": None, "plan_read": None, **found}


def check_greeting(message: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """(ready, failed). Raises ValueError for a message that is neither."""
    found = Greeting.model_validate(message)
    if (found.ready is None) == (found.failed is None):
        raise ValueError("the worker is neither ready nor failed")
    ready = found.ready.model_dump() if found.ready else {}
    return ready, found.failed.model_dump() if found.failed else None
