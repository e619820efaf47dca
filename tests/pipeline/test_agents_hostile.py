"""Agents that hide what they write: nothing of it reaches a branch, and the next work is taken."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from prompt_lab.names import Outcome
from tests.adapters.agent.test_contract import PLAYER
from tests.pipeline.test_agents import BETTER, BLOCK, GOLD, KEY, agent, refused, write
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
LEAK = GOLD.splitlines()[0]
HIDDEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a key after a form feed": ({"files": {"prompt.txt": f"{BETTER}x\x0c{KEY}\n"}}, {"secret"}),
    "a key after U+2028": ({"files": {"prompt.txt": f"{BETTER}x\u2028{KEY}\n"}}, {"secret"}),
    "a key that looks like a header": (
        {"files": {"prompt.txt": f"{BETTER}++ {KEY}\n"}},
        {"secret"},
    ),
    "a key for a name": (
        {"files": {"prompt.txt": BETTER, f"{KEY}.txt": "x\n"}, "paths": ["*.txt"], "max_files": 2},
        {"secret"},
    ),
    "verify text after U+2028": (
        {"files": {"prompt.txt": f"{BETTER}x\u2028{LEAK}\n"}},
        {"verify_seen"},
    ),
    "verify text that looks like a header": (
        {"files": {"prompt.txt": f"{BETTER}++ {LEAK}\n"}},
        {"verify_seen"},
    ),
    "verify text in pieces": (
        {"files": {"prompt.txt": BETTER + "\u200b".join(LEAK) + "\n"}},
        {"verify_seen"},
    ),
    "verify text for a name": (
        {"files": {f"{LEAK}.txt": "x\n"}, "paths": ["*.txt"]},
        {"verify_seen"},
    ),
}


def player(world: World, **act: Any) -> None:
    """A command as `helper` that does what it is given (see player.py)."""
    command = [sys.executable, "-B", str(PLAYER), "claude", json.dumps({"says": BLOCK, **act})]
    visible = [sys.prefix, sys.base_prefix, str(PLAYER.parent)]
    write(world, "helper", {"kind": "claude_code", "paths": ["*"], "max_files": 9, "seconds": 20,
                            "command": command, "visible": visible})  # fmt: skip


def test_what_is_hidden_is_found_and_nothing_is_published(
    make_world: MakeWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    main, found = world.git("rev-parse", "main"), {}
    for number, (case, (act, _)) in enumerate(HIDDEN.items(), start=1):
        agent(world, **act)
        assert not world.iterate(agent="helper"), case
        found[case] = set(refused(world, main, number))
    assert found == {case: codes for case, (_, codes) in HIDDEN.items()}
    assert KEY not in "".join(path.read_text() for path in world.folder(1).glob("agent_*"))
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    agent(world)
    assert world.iterate()
    assert world.verdict(1).outcome is Outcome.YES


def test_a_prompt_that_is_not_utf_8_is_refused_before_there_is_a_branch(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    main = world.git("rev-parse", "main")
    player(world, shell="printf '\\377\\376\\n' >> prompt.txt")
    assert not world.iterate(agent="helper")
    assert set(refused(world, main, 1)) == {"not_text"}
    player(world, files={"prompt.txt": BETTER})
    assert world.iterate()
    assert world.verdict(1).outcome is Outcome.YES
