"""Call a user's scorer, check what it gives, and say which code it is."""

import math
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from prompt_lab.errors import ConfigError
from prompt_lab.step_results import AnswerScorer


def score_by(
    scorer: AnswerScorer,
    gold: dict[str, Any] | str | None,
    answer: dict[str, Any] | str,
    primary: str,
) -> dict[str, float]:
    """The parts that a scorer gives. Raises ConfigError with its name for anything else."""
    name = f"{scorer.__module__}:{getattr(scorer, '__name__', scorer)}"
    try:
        parts = scorer(gold, answer)
    except Exception as error:
        raise ConfigError(
            [f"{name} failed: {type(error).__name__}: {error}. Correct it."]
        ) from error
    if not isinstance(parts, dict) or primary not in parts:
        raise ConfigError(
            [f"{name} gives {str(parts)[:200]}: the primary part {primary!r} is missing"]
        )
    for part, value in parts.items():
        is_number = isinstance(value, int | float) and math.isfinite(value)
        if not is_number or not 0 <= value <= 1:
            raise ConfigError([f"{name} gives {part!r} = {value!r}: parts are numbers in [0, 1]"])
    return {str(part): float(value) for part, value in parts.items()}


def digest_scorer(scorer: AnswerScorer) -> str:
    """sha256 over the scorer's module, and over every module of the package that it lies in."""
    module = sys.modules[scorer.__module__]
    package = sys.modules[scorer.__module__.partition(".")[0]]
    found = {Path(module.__file__)} if module.__file__ else set()
    for folder in getattr(package, "__path__", ()):
        found |= set(Path(folder).rglob("*.py"))
    contents = [path.read_bytes() for path in sorted(found)]
    named = f"{scorer.__module__}:{getattr(scorer, '__qualname__', '')}".encode()
    return sha256(b"\0".join([named, *contents])).hexdigest()
