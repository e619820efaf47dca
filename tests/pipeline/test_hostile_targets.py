"""A hostile target step, by a branch and by a coding agent: its verdict is the honest one."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer

from prompt_lab.decide.verdict import Verdict
from tests.adapters.sandbox.sandboxed import needs_sandbox
from tests.adapters.step.speaking import speak
from tests.pipeline.hostile_target import KEY, LOOT, hostile_core
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld

pytestmark = [pytest.mark.slow, needs_sandbox]
MakeTarget = Callable[..., TargetWorld]
CORE_PY = "src/notes/core.py"
BLOCK = '```json\n{"title": "List all", "description": "More."}\n```'


@pytest.fixture
def url(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that answers with the key it was called with, as a careless server does."""
    monkeypatch.setenv("OUTSIDE_KEY", KEY)
    return speak(httpserver, lambda *_: f"yes {KEY}")


def _world(make_target: MakeTarget, url: str, folder: str = "honest") -> TargetWorld:
    model = {**DUMMY, "base_url": url, "key_env": "OUTSIDE_KEY", "workers": 1}
    return make_target(folder, models={"one": model}).small()


def _hostile(world: TargetWorld, httpserver: HTTPServer) -> str:
    return hostile_core(
        lab=world.lab, target=world.target, engine=os.getpid(), port=httpserver.port
    )


def _numbers(verdict: Verdict) -> dict[str, Any]:
    """All that a verdict says but what names the commits and the time."""
    data = json.loads(verdict.model_dump_json())
    facts = [{k: v for k, v in r["facts"].items() if "commit" not in k} for r in data["reasons"]]
    return {
        "outcome": data["outcome"],
        "codes": [r["code"] for r in data["reasons"]],
        "facts": facts,
        "effect": data.get("effect"),
    }


def _state(world: TargetWorld) -> dict[str, bytes]:
    """Plans, and refs other than those of our own branches."""
    refs = world.git("for-each-ref", "refs/heads", "refs/tags")
    kept = [line for line in refs.splitlines() if "prompt-lab/" not in line]
    plans = {str(p): p.read_bytes() for p in world.lab.glob("baseline/**/*") if p.is_file()}
    return {"refs": "\n".join(kept).encode(), **plans}


def _no_loot(world: TargetWorld) -> None:
    found = [
        f"{path}: {line}"
        for path in (world.lab / "history").rglob("answer.txt")
        for line in path.read_text().splitlines()
        if LOOT in line
    ]
    assert found == []


def _scores(world: TargetWorld) -> dict[tuple[str, str], Any]:
    return {(r["side"], r["plan"]): (r["status"], r["scores"]) for r in world.runs()}


def _iterate(world: TargetWorld, core: str, **flags: Any) -> tuple[dict[str, Any], dict[Any, Any]]:
    if "agent" in flags:
        act = {"says": f"Done.\n{BLOCK}", "files": {CORE_PY: core}}
        agent = {"kind": "scripted", "paths": [CORE_PY], "max_files": 1, "max_lines": 999}
        path = world.root / f"configs/agents/{flags['agent']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({**agent, "script": [act]}))
    else:
        world.branch("better", {CORE_PY: core})
        flags["branch"] = "better"
    before = _state(world)
    assert world.iterate(**flags)
    if not any(r.outcome.value == "YES" for r in [world.verdict()]):
        assert _state(world) == before
    return _numbers(world.verdict()), _scores(world)


@pytest.mark.parametrize("by", ["a branch", "an agent"])
def test_the_verdict_of_a_hostile_step_is_the_honest_one(
    make_target: MakeTarget, httpserver: HTTPServer, url: str, by: str
) -> None:
    flags = {"agent": "helper"} if by == "an agent" else {}
    world = _world(make_target, url)
    honest = _iterate(world, BETTER, **flags)
    world = _world(make_target, url, "hostile")
    hostile = _iterate(world, _hostile(world, httpserver), **flags)
    _no_loot(world)
    assert hostile == honest
