"""The strategies of our own table, for tests that need no lab."""

from pipeline.wiring import ADAPTERS, load_adapter
from prompt_lab.propose.model import Strategy


def strategies() -> dict[str, Strategy]:
    """Every strategy of our own by its name."""
    return {name: load_adapter("strategy", name)() for name in ADAPTERS["strategy"]}
