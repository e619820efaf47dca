"""A command that a message gives may be pasted as it stands."""

import subprocess
from collections.abc import Callable

import pytest

from pipeline.wiring import lab_context
from prompt_lab.errors import StoreError
from prompt_lab.experiments.pareto import read_front
from prompt_lab.experiments.past import known_modes
from tests.pipeline.world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["front", "instructions"])
def test_it_restores_that_file_and_no_other(make_world: Callable[..., World], kind: str) -> None:
    world = make_world(train=4, verify=4, scout=2)
    assert world.iterate()
    ctx = lab_context()
    path = getattr(ctx.lab, kind)("read_sum")
    other = path.with_name("other.txt")
    before = path.read_bytes()
    path.write_bytes(b"\xff")
    other.write_text("mine")
    with pytest.raises(StoreError) as said:
        read_front(ctx, "read_sum") if kind == "front" else known_modes(ctx.lab, "read_sum")
    text = str(said.value)
    command = text[text.index("git -C") :].partition(" restores it")[0]
    subprocess.run(command, shell=True, check=True)
    assert path.read_bytes() == before
    assert other.read_text() == "mine"
    assert not command.endswith((".", " ."))
