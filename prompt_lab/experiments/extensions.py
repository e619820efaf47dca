"""Strategies and analysts that users wrote: what goes wrong in them becomes one sentence."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prompt_lab.analyze.analyst import Analyst, AnalystMaterial
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.analyze.review import Review
from prompt_lab.errors import ConfigError, LabError
from prompt_lab.propose.model import Draft, Material, Strategy


class CheckedStrategy:
    """A strategy whose errors, and results of a wrong type, are raised as ConfigError."""

    def __init__(self, make: Callable[[], Strategy], label: str) -> None:
        self.label = f"strategy {label}"
        with convert_errors(self.label):
            self.strategy = make()
            self.name = str(self.strategy.name)

    def applies(self, material: Material) -> str | None:
        """Why it has nothing to propose, or None where it has. Raises ConfigError."""
        with convert_errors(self.label):
            why_not = self.strategy.applies(material)
            if why_not is not None:
                check_type(self.label, "applies", why_not, str)
            return why_not

    def propose(self, material: Material) -> Draft:
        """The change. Raises ConfigError."""
        with convert_errors(self.label):
            draft = self.strategy.propose(material)
            check_type(self.label, "propose", draft, Draft)
            return draft


class CheckedAnalyst(Analyst):
    """An analyst whose errors, and results of a wrong type, are raised as ConfigError."""

    def __init__(self, make: Callable[[], Analyst], label: str) -> None:
        self.label = f"analyst {label}"
        with convert_errors(self.label):
            self.analyst = make()

    def analyse(self, runs: AnalystMaterial) -> str | Sequence[AnalystFinding]:
        """Findings, or a whole page. Raises ConfigError."""
        with convert_errors(self.label):
            return self._check("analyse", self.analyst.analyse(runs))

    def review(self, found: Review) -> str | Sequence[AnalystFinding]:
        """The same of the change itself. Raises ConfigError."""
        with convert_errors(self.label):
            return self._check("review", self.analyst.review(found))

    def _check(
        self, method: str, result: str | Sequence[AnalystFinding]
    ) -> str | Sequence[AnalystFinding]:
        if isinstance(result, str):
            return result
        check_type(self.label, method, result, list, tuple)
        for one in result:
            check_type(self.label, method, one, AnalystFinding)
        return result


def check_type(label: str, method: str, value: object, *kinds: type) -> None:
    """Raises ConfigError where a method of an extension returned another type."""
    if not isinstance(value, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ConfigError(
            [f"{label}: {method}() returned a {type(value).__name__}; it must return {wanted}"]
        )


@contextmanager
def convert_errors(label: str) -> Iterator[None]:
    """Raise any exception but a LabError as ConfigError with the file and the line it came from."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            [
                f"{label} failed in {frame.filename}, line {frame.lineno}: "
                f"{type(error).__name__}: {error}. Fix it there, then run the same command again"
            ]
        ) from error


def make_strategies(load: Callable[[str, str], Any], names: Sequence[str]) -> dict[str, Strategy]:
    """Strategies by their own names, in the order given. Raises ConfigError."""
    made = [CheckedStrategy(load("strategy", name), repr(name)) for name in names]
    return {strategy.name: strategy for strategy in made}
