"""Agents that hide what they write: nothing of it reaches a branch, and the next work is taken."""

import json
import sys
from collections.abc import Callable
from typing import Any

import luigi
import pytest

from pipeline.tasks.loop import Loop
from prompt_lab.names import Outcome
from tests.adapters.agent.test_contract import PLAYER
from tests.pipeline.test_agents import (
    BETTER,
    BLOCK,
    GOLD,
    KEY,
    agent,
    analyst,
    finding,
    refused,
    write,
)
from tests.pipeline.world import World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
LEAK = GOLD.splitlines()[0]
RUN = "history/0/01_read_sum/outputs/plan_train_000"
PIECES = f"{KEY[:8]}\u200b{KEY[8:]}"


def block(title: str, *, plain: bool = False) -> str:
    said = {"title": title, "description": "Words."}
    return f"Done.\n```json\n{json.dumps(said, ensure_ascii=plain)}\n```"


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
    "a key in pieces in its title": ({"says": block(f"Use {PIECES}")}, {"secret"}),
    "a key spelled with an escape": ({"says": block(f"Use {PIECES}", plain=True)}, {"secret"}),
    "a key after an underscore": ({"files": {"prompt.txt": f"{BETTER}KEY_{KEY}\n"}}, {"secret"}),
    "a key of ours on two lines": (
        {"files": {"prompt.txt": f"{BETTER}hunter-2-\nhunter-2\n"}},
        {"secret"},
    ),
    "verify text with escapes in its title": (
        {"says": block("\u200b".join(LEAK), plain=True)},
        {"verify_seen"},
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
    "verify text with underscores for a name": (
        {"files": {f"{LEAK.replace(' ', '_')}.txt": "x\n"}, "paths": ["*.txt"]},
        {"verify_seen"},
    ),
    "verify text with underscores": (
        {"files": {"prompt.txt": f"{BETTER}{LEAK.replace(' ', '_')}\n"}},
        {"verify_seen"},
    ),
}


def player(world: World, name: str = "helper", **act: Any) -> None:
    """A command that does what it is given (see player.py)."""
    command = [sys.executable, "-B", str(PLAYER), "claude", json.dumps({"says": BLOCK, **act})]
    visible = [sys.prefix, sys.base_prefix, str(PLAYER.parent)]
    write(world, name, {"kind": "claude_code", "paths": ["*"], "max_files": 9, "seconds": 20,
                            "command": command, "visible": visible})  # fmt: skip


def test_what_is_hidden_is_found_and_nothing_is_published(
    make_world: MakeWorld,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "hunter-2-hunter-2")
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


def test_a_prompt_that_loses_its_input_is_refused_before_there_is_a_branch(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    main = world.git("rev-parse", "main")
    agent(world, files={"prompt.txt": "Extract it.\n[user]\nThe invoice.\n"})
    assert not world.iterate(agent="helper")
    assert "holds no '{invoice}'" in refused(world, main, 1)["bad_prompt"]


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -500.0])
def test_a_cost_that_cannot_be_counts_as_the_limit_and_wedges_nothing(
    make_world: MakeWorld, cost: float
) -> None:
    world = make_world()
    player(world, files={"prompt.txt": BETTER}, result={"total_cost_usd": cost})
    flags = {"iterations": 3, "budget_usd": 1.5, "agent": "helper"}
    assert luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
    assert world.record(1, "agent_implement_helper_1")["cost_usd"] == 1.0
    assert "$1.00 of it for 1 task" in (world.folder(1) / "summary.txt").read_text()
    end = json.loads((world.lab / "loops/1_read_sum/ended.json").read_text())
    assert (end["stop"]["code"], end["cost_usd"]) == ("budget", pytest.approx(1.0))


def test_no_key_of_an_analysts_words_reaches_a_pull_request(make_world: MakeWorld) -> None:
    world = make_world()
    said = finding(RUN, text=f"Use {PIECES} for it.", weight=1.0)
    assert "\\u200b" in said
    analyst(world, "spy", said)
    assert world.iterate(analysts="metrics,spy")
    page = (world.folder(1) / "synthesis.md").read_text()
    assert "Use [key] for it" in page
    assert not [word for word in (KEY, PIECES, "\\u200b") if word in page]


def test_odd_analysts_stop_nobody(make_world: MakeWorld) -> None:
    world = make_world()
    odd: dict[str, dict[str, Any]] = {"surrogate": {"says": f"x \ud800\n{finding(RUN)}"},
           "nan": {"says": finding(RUN), "result": {"total_cost_usd": float("nan")}}}  # fmt: skip
    for name, act in odd.items():
        player(world, name, **act)
    analyst(world, "ghost", finding(f"{RUN}9"))
    assert world.iterate(analysts=f"metrics,{','.join(odd)},ghost")
    assert "It reads better." in (world.folder(1) / "insight_surrogate.md").read_text()
    record = world.record(1, "agent_insight_nan_1")
    assert (record["cost_usd"], "not known" in record["message"]) == (1.0, True)
    assert "`no_evidence`" in (world.folder(1) / "insight_ghost.md").read_text()


def test_two_ghosts_do_not_agree_in_a_review(make_world: MakeWorld) -> None:
    world = make_world()
    for name, run in {"ghost": f"{RUN}9", "spook": f"{RUN}8", "one": RUN, "two": RUN}.items():
        about = "ghosts" if run != RUN else "runs"
        analyst(world, name, finding(run, text=f"It is about {about}.", about=about))
    assert world.iterate(analysts="metrics,ghost,spook,one,two")
    page = (world.folder(1) / "synthesis.md").read_text()
    agree = page.partition("## Where they agree")[2].partition("\n## ")[0]
    assert "one, two: It is about runs." in agree
    assert "ghosts" not in agree


def test_a_models_bad_paths_are_refused_by_name(make_world: MakeWorld) -> None:
    files = {"../up.txt": "x", "prompt.txt/x.txt": "y"}
    given = {"title": "t", "description": "d", "files": files}
    writer = scripted({"rules": [{"answer": f"```json\n{json.dumps(given)}\n```"}]})
    world = make_world(judges={"writer": writer})
    write(world, "helper", {"kind": "api", "model": "writer", "paths": ["*.txt"]})
    main = world.git("rev-parse", "main")
    assert not world.iterate(agent="helper")
    codes = refused(world, main, 1)
    assert list(codes) == ["bad_path"]
    assert all(repr(name) in codes["bad_path"] for name in files)
