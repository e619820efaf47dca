"""PARAMETERS of a luigi_task step are read by the classes of the task's parameters."""

import enum
import types
from pathlib import Path

import luigi
import pytest

from adapters.step.worker.step import StepFailed, execute


class Size(enum.Enum):
    """How much is asked for."""

    SMALL = 1


class Collect(luigi.Task):
    """Keeps its parameters."""

    levels = luigi.ListParameter()
    size = luigi.EnumParameter(enum=Size)
    out = luigi.PathParameter()
    rate = luigi.FloatParameter()
    name = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        """One text."""
        return luigi.LocalTarget(self.out / "answer.txt")  # type: ignore[no-untyped-call]

    def run(self) -> None:
        """Write what the parameters are."""
        kinds = [type(self.levels[0]).__name__, self.size.name, self.rate * 2, self.name]
        Path(self.output().path).write_text(repr(kinds), "utf-8")


def _step(**parameters: str) -> types.ModuleType:
    step = types.ModuleType("a_step")
    step.TASK = f"{__name__}:Collect"  # type: ignore[attr-defined]
    step.PARAMETERS = parameters  # type: ignore[attr-defined]
    return step


GOOD = {"levels": "[1, 2]", "size": "SMALL", "out": "{out_dir}", "rate": "0.5", "name": "a, b"}


def _run(tmp_path: Path, **parameters: str) -> str:
    job = {"plan_dir": str(tmp_path), "out_dir": str(tmp_path), "models": []}
    execute(_step(**parameters), {"mode": "luigi", "worktree": str(tmp_path)}, job)
    return (tmp_path / "answer.txt").read_text("utf-8")


def test_each_value_has_the_type_of_its_parameter(tmp_path: Path) -> None:
    assert _run(tmp_path, **GOOD) == "['int', 'SMALL', 1.0, 'a, b']"


@pytest.mark.parametrize(
    ("name", "text"), [("levels", "[1,"), ("size", "HUGE"), ("rate", "much"), ("colour", "red")]
)
def test_what_a_parameter_cannot_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(StepFailed) as failed:
        _run(tmp_path, **{**GOOD, name: text})
    assert name in str(failed.value)
    assert "PARAMETERS" in str(failed.value)
