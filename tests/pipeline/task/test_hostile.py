"""Every row of the table of hostile tasks and candidates ends as it states, and harms nothing."""

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox import commands
from pipeline.wiring import task_tools
from tests.pipeline.task.hostile import ROWS, lay_out
from tests.pipeline.task.task_world import World

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ROWS)
def test_ends_as_its_row_states(name: str, tmp_path: Path, capsys: Any) -> None:
    row = ROWS[name]
    if refusal := task_tools().commands.refusal:
        pytest.skip(refusal)
    os.environ["OPENAI_API_KEY"] = "not for commands"
    world = World(tmp_path, re.sub(r"[^a-z0-9]+", "-", name.lower())[:50].strip("-"))
    engine = Path(commands.__file__)
    with socket.create_server(("127.0.0.1", 0)) as server:
        lay_out(row, world, engine, server)
        before, code = world.content(), engine.read_bytes()
        record = world.run(capsys)
    assert (record["status"], record["reason"]) == (row.status, row.reason), record["detail"]
    after = world.content()
    if row.status == "keep":
        assert after.keys() == before.keys()
        assert {path for path in after if after[path] != before[path]} == {"t/artifact.md"}
        assert (world.root / "t/artifact.md").read_text("utf-8") == "good\ngood good\n"
    else:
        assert after == before
    assert world.left() == []
    assert engine.read_bytes() == code
    assert not (tmp_path / "beside.txt").exists()


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 40
