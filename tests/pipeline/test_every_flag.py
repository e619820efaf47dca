"""Every task without what it needs, and every flag with what it cannot mean: one message each."""

from collections.abc import Callable, Iterator

import luigi
import pytest
from luigi.parameter import ParameterVisibility, _no_value

import pipeline
from tests.pipeline import terminal
from tests.pipeline.terminal import STOPPED, Said
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
ABSURD = ("no/such\tthing", "-7")
INCOMPLETE = ("Revert", "PreparePull")
"""Tasks that luigi would start without a flag, and that have nothing to do without it."""
ANYTHING = ("docs", "reason")
"""Flags of which every text is a good one: a folder to write, words for the record."""
Flags = dict[str, luigi.Parameter]


def _params(name: str) -> Flags:
    shown = getattr(pipeline, name).get_params()
    return {p: x for p, x in shown if x.visibility is ParameterVisibility.PUBLIC}


def _needs(flags: Flags) -> dict[str, str]:
    """A value for each flag that has no default."""
    found = {}
    for flag, param in flags.items():
        if param._default is _no_value:
            found[flag] = "1" if isinstance(param, luigi.IntParameter) else "x"
    return found


def _rows() -> Iterator[tuple[str, ...]]:
    """Command lines; a flag that several tasks share is tried on one of them."""
    seen: set[int] = set()
    for name in pipeline.__all__:
        flags = _params(name)
        if _needs(flags) or name in INCOMPLETE:
            yield (name,)
        for flag, param in flags.items():
            if isinstance(param, luigi.BoolParameter) or flag in ANYTHING or id(param) in seen:
                continue
            seen.add(id(param))
            number = isinstance(param, luigi.IntParameter | luigi.FloatParameter)
            for absurd in ABSURD if number else ABSURD[:1]:
                given = {**_needs(flags), flag: absurd}
                words = (f"--{name}-{f.replace('_', '-')}={v}" for f, v in given.items())
                yield (name, *words)


@pytest.mark.parametrize("name", pipeline.__all__)
def test_no_task_ends_in_a_trace(make_world: Callable[..., World], name: str) -> None:
    world = make_world(train=2, verify=2, scout=1)
    for row in _rows():
        if row[0] == name:
            _check(terminal.luigi(world, *row), row)


@pytest.mark.parametrize(
    "row",
    [
        ("Revert", "--number", "9"),
        ("Iteration", "--replicates", "10000000"),
        ("Loop", "--replicates", "10000000"),
        ("Ledger", "--workers", "0"),
        ("Calibrate", "--quick", "--workers", "0"),
        ("Calibrate", "--quick", "--workers", "-2"),
    ],
    ids=" ".join,
)
def test_a_number_that_nothing_answers_to(
    make_world: Callable[..., World], row: tuple[str, ...]
) -> None:
    world = make_world(train=2, verify=2, scout=1)
    said = terminal.luigi(world, *row)
    _check(said, row)
    assert row[-1] in said.err


def _check(said: Said, row: tuple[str, ...]) -> None:
    assert said.code != 0, row
    assert "Traceback" not in said.err + said.out, (row, said.err)
    assert said.err.count(STOPPED) == 1 or '"status": "crash"' in said.out, (row, said.err)
