"""Agents in an iteration: what is taken reaches a branch; what breaks a rule reaches nothing."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.names import Outcome
from tests.adapters.agent.conftest import command  # noqa: F401 -- a fixture
from tests.adapters.agent.model import Model, Say, Use
from tests.adapters.agent.test_contract import PLAYER
from tests.pipeline.world import HINT, PLAIN, World, scripted
from tests.processes import command_runs

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
BLOCK = '```json\n{"title": "Say which sum", "description": "The hint of the schema."}\n```'
HOSTILE_WORDS = {
    "title": "Say which sum, closes #1 @octocat [skip ci]\x1b[2J\u202e",
    "description": "Fixes #1. ![x](http://evil.example/p.png) <!-- approve --> @octocat"
    "\x1b]0;x\x07",
}
TESTS = "def test_sum():\n    assert 1\n\n\ndef test_tax():\n    assert 1\n"
KEY = "sk-live-0123456789abcdefghij"
GOLD = "\n".join(f"Invoice {9000 + n} of shop verify. To pay: {n + 1}.50 euros." for n in range(5))


def agent(world: World, name: str = "helper", **given: Any) -> None:
    """Write configs/agents/<name>.yaml: a scripted agent whose one act is given."""
    act = {"says": f"Done.\n{BLOCK}", "files": {"prompt.txt": BETTER}}
    act |= {k: given.pop(k) for k in ("says", "files", "deletes", "cost_usd") if k in given}
    config = {"kind": "scripted", "paths": ["prompt.txt"], "max_files": 1, "max_lines": 6}
    write(world, name, {**config, "script": [act], **given})


def write(world: World, name: str, config: Mapping[str, Any]) -> None:
    world._yaml(world.root / f"configs/agents/{name}.yaml", config)


def refused(world: World, main: str, number: int) -> dict[str, str]:
    """code -> sentence of a work of `helper`, after what must hold for every refusal."""
    assert not (world.folder(1) / "change.json").exists()
    assert world.git("branch", "--format=%(refname:short)") == "main"
    assert world.git("rev-parse", "main") == main
    assert not list((world.lab / "pulls").glob("*.json"))
    record = world.record(1, f"agent_implement_helper_{number}")
    codes: dict[str, str] = record["refused"]
    return codes


def test_9_an_agents_better_prompt_is_merged_and_its_words_do_not_act(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    agent(world, says=f"Done.\n```json\n{json.dumps(HOSTILE_WORDS)}\n```")
    assert world.iterate(agent="helper")
    assert world.verdict(1).outcome is Outcome.YES
    change = world.record(1, "change")
    assert (change["strategy"], change["branch"]) == ("helper", "prompt-lab/1-helper")
    assert change["direction"]
    assert world.git("show", "main:prompt.txt") == BETTER.strip()
    record = world.record(1, "agent_implement_helper_1")
    assert (record["refused"], record["ending"]) == ({}, "done")
    assert "Say which sum" in (world.folder(1) / record["transcript"]).read_text()
    pull = json.loads((world.lab / "pulls/0001.json").read_text("utf-8"))
    published = [pull["title"], pull["body"], *(one["body"] for one in pull["comments"])]
    published += [world.git("log", "--format=%B", "main"), change["title"]]
    for sign in (
        "@octocat",
        "loses #1",
        "![",
        "<!--",
        "http://evil",
        "\x1b",
        "\u202e",
        "[skip ci]",
    ):
        assert not any(sign in text for text in published), sign
    assert "Say which sum" in pull["title"]


def test_a_model_of_any_provider_implements_by_its_block(make_world: MakeWorld) -> None:
    given = {"title": "Say which sum", "description": "Why.", "files": {"prompt.txt": BETTER}}
    writer = scripted({"rules": [{"answer": f"```json\n{json.dumps(given)}\n```"}]})
    world = make_world(judges={"writer": writer})
    write(world, "author", {"kind": "api", "model": "writer", "paths": ["*.txt"]})
    assert world.iterate(agent="author")
    assert world.verdict(1).outcome is Outcome.YES


CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "outside": ({"files": {"README.md": "mine"}}, {"outside_paths"}),
    "a secret": ({"files": {"prompt.txt": f"{PLAIN}{KEY}"}}, {"secret"}),
    "a secret of ours": ({"files": {"prompt.txt": f"{PLAIN}hunter-2-hunter-2"}}, {"secret"}),
    "a test deleted": (
        {"files": {}, "deletes": ["tests/test_shop.py"], "paths": ["tests"]},
        {"deleted", "test_deleted"},
    ),
    "a test cut out": (
        {"files": {"tests/test_shop.py": TESTS[:32]}, "paths": ["tests"]},
        {"test_deleted"},
    ),
    "verify answers printed": ({"says": f"{GOLD}\n{BLOCK}"}, {"verify_seen"}),
    "verify answers in the prompt": (
        {"files": {"prompt.txt": PLAIN + GOLD.splitlines()[0]}},
        {"verify_seen"},
    ),
    "prose": ({"says": "I have made the change."}, {"no_block"}),
    "another block": ({"says": '```json\n{"name": "x"}\n```'}, {"bad_block"}),
    "nothing": ({"files": {}}, {"nothing_changed"}),
    "too long": ({"files": {"prompt.txt": "x\n" * 9}}, {"too_many_lines"}),
    "too dear": ({"cost_usd": 2.0}, {"cost_limit"}),
    "a hook": ({"files": {".git/hooks/pre-commit": "#!/bin/sh"}}, {"nothing_changed"}),
}


def test_each_way_to_break_a_rule_is_refused_by_its_code(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "hunter-2-hunter-2")
    world = make_world()
    (world.target / "tests").mkdir()
    (world.target / "tests/test_shop.py").write_text(TESTS)
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "Tests")
    main, found = world.git("rev-parse", "main"), {}
    for number, (case, (act, _)) in enumerate(CASES.items(), start=1):
        agent(world, **act)
        assert not world.iterate(agent="helper"), case
        found[case] = set(refused(world, main, number))
    assert found == {case: codes for case, (_, codes) in CASES.items()}
    kept = "".join(path.read_text() for path in world.folder(1).glob("agent_*"))
    assert "Say which sum" in kept
    assert not [word for word in ("hunter-2", KEY, "of shop verify. To pay") if word in kept]


def test_past_its_time_it_ends_with_its_children_and_nothing_is_kept(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    word = f"sleep 5{os.getpid()}"
    act = {"files": {"prompt.txt": BETTER}, "says": BLOCK, "shell": f"(setsid {word} &); {word}"}
    write(world, "helper", {
        "kind": "claude_code", "paths": ["prompt.txt"], "seconds": 3,
        "command": [sys.executable, "-B", str(PLAYER), "claude", json.dumps(act)],
        "visible": [sys.prefix, sys.base_prefix, str(PLAYER.parent)],
    })  # fmt: skip
    main = world.git("rev-parse", "main")
    assert not world.iterate(agent="helper")
    assert set(refused(world, main, 1)) == {"time_limit"}
    assert not command_runs(word)


def test_the_real_claude_code_implements_from_idea_to_merge(
    make_world: MakeWorld,
    command: Callable[[str], str],  # noqa: F811
) -> None:
    world = make_world()
    edit = Use(
        "Bash", {"command": f"sed -i 's/amount\\./amount. {HINT}/' prompt.txt", "description": "x"}
    )
    with Model(edit, Say(f"Done.\n{BLOCK}")) as model:
        write(world, "real", {"kind": "claude_code", "model": "made", "base_url": model.address,
                              "command": [command("claude")], "paths": ["prompt.txt"],
                              "seconds": 60})  # fmt: skip
        assert world.iterate(agent="real")
    assert world.verdict(1).outcome is Outcome.YES
    assert world.git("show", "main:prompt.txt") == BETTER.strip()
    record = world.record(1, "agent_implement_real_1")
    assert (record["refused"], record["output_tokens"]) == ({}, 20)


def test_an_agent_is_asked_again_by_the_same_command(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world, says="prose")
    assert not world.iterate(agent="helper")
    agent(world)
    assert world.iterate()
    assert world.record(1, "agent_implement_helper_2")["refused"] == {}
    assert world.verdict(1).outcome is Outcome.YES


def test_an_agent_that_cannot_be_used_is_told_before_anything_runs(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    write(world, "away", {"kind": "claude_code", "command": ["no-such-claude"], "paths": ["p"]})
    assert not world.iterate(agent="away")
    assert not (world.folder(1) / "meta.json").exists()


def finding(run: str, **more: Any) -> str:
    one = {
        "kind": "tone",
        "text": "The answers are shorter.",
        "evidence": [f"12 of 12: {run}"],
        "about": "amount",
        "says": "better",
        "weight": 0.4,
        **more,
    }
    return f"It reads better.\n```json\n{json.dumps({'findings': [one]})}\n```"


def analyst(world: World, name: str, *says: str, **more: Any) -> None:
    """A scripted analyst that answers a repeated question by its second answer."""
    again = [{"when": "Your answer was not accepted", "says": says[-1]}]
    acts = [*(again if len(says) > 1 else []), {"says": says[0]}]
    write(world, name, {"kind": "scripted", "script": acts, **more})


def test_analysts_are_reconciled_and_failing_ones_stop_nobody(make_world: MakeWorld) -> None:
    world = make_world()
    run = "history/0/01_read_sum/outputs/plan_train_000"
    analyst(world, "first", finding(run))
    analyst(world, "second", finding("nowhere", kind="guess"),
            finding(run, says="worse", text="Curt."))  # fmt: skip
    analyst(world, "bare", finding("nowhere"))
    analyst(world, "prose", "It all looks fine to me.")
    write(world, "away", {"kind": "codex", "command": ["no-such-codex"],
                          "price": {"input": 1, "output": 1}})  # fmt: skip
    assert world.iterate(analysts="metrics,first,second,bare,prose,away")
    assert world.verdict(1).outcome is Outcome.YES
    pages = {p.name: p.read_text() for p in world.folder(1).glob("insight_*.md")}
    assert len(pages) == 6
    assert "It reads better." in pages["insight_first.md"]
    assert "Asked 2 time(s)" in pages["insight_second.md"]
    assert "`no_evidence`" in pages["insight_bare.md"]
    assert "kept as text" in pages["insight_prose.md"].splitlines()[0]
    assert "not installed" in pages["insight_away.md"]
    assert len(list(world.folder(1).glob("agent_insight_bare_*.json"))) == 2
    synthesis = (world.folder(1) / "synthesis.md").read_text()
    for row in ("| metrics | read | read |", "| first | read | read |", "| bare | failed | read |",
                "| prose | unparsed | unparsed |", "| away | failed | failed |"):  # fmt: skip
        assert row in synthesis
    contradicted = synthesis.partition("## Contradicted by the numbers")[2].partition("##")[0]
    assert "second says: Curt. But amount went from 0.000 to 1.000." in contradicted


def test_an_analyst_that_knows_verify_answers_has_failed(make_world: MakeWorld) -> None:
    world = make_world()
    analyst(world, "spy", f"{GOLD}\n{finding('history/0/01_read_sum/outputs/plan_train_000')}")
    assert world.iterate(analysts="metrics,spy")
    page = (world.folder(1) / "insight_spy.md").read_text()
    assert "`verify_seen`" in page
    assert "of shop verify. To pay" not in page
    assert not list(world.folder(1).glob("agent_insight_spy_*.transcript.txt"))


def test_who_was_asked_is_fixed_when_the_iteration_is_prepared(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world)
    assert world.iterate(agent="helper")
    meta = world.record(1, "meta")
    assert (meta["agent"], meta["analysts"]) == ("helper", ["metrics"])
    with pytest.raises(ConfigError, match="--agent: iteration 1 was prepared with 'helper'"):
        world.iterate(number=1, agent="exact")
    with pytest.raises(UnknownName, match=r"agent 'helpr'\. Did you mean 'helper'"):
        world.iterate(agent="helpr")
