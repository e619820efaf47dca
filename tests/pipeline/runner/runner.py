"""The runner's command on a world, in a fork or in a process of its own, and what it left."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from pipeline.cli.run import main
from tests import warm_commands
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.terminal import Said, forked
from tests.pipeline.world import NUMBER, REPOSITORY, World, scripted

FEW: dict[str, Any] = {"train": 3, "verify": 2, "scout": 2}
GOOD = {"rules": [{"answer": '{"amount": {1}}', "answer_regex": NUMBER}]}
COMMAND = warm_commands.BIN / "prompt-lab-run"


def models(**more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"good": scripted(GOOD, id="good-1", workers=3), **more}


def runner(world: World | TargetWorld, *args: object, env: dict[str, str] | None = None) -> Said:
    """The command in a fork of this process."""
    return forked(world, lambda: main(list(map(str, args))), env or {})


def started(world: World, *args: object) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    return warm_commands.popen(
        [COMMAND, *map(str, args)],
        cwd=REPOSITORY,
        env={**os.environ, **world.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def train(world: World | TargetWorld) -> Path:
    return world.lab / "baseline/train"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def record(folder: Path, plan: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "outputs" / plan / "run.json").read_text())
    return data
