"""Every agent keeps the port's promises: the scripted one, a model, and both commands."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.agent.api import ApiAgent
from adapters.agent.claude_code import ClaudeCode
from adapters.agent.codex import Codex
from adapters.agent.scripted import ScriptedAgent
from adapters.llm.scripted import Scripted
from prompt_lab.agents.port import Agent, Ending
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.models import ModelConfig
from tests.adapters.agent.conftest import MakeJob
from tests.processes import command_runs

pytestmark = pytest.mark.slow
PLAYER = Path(__file__).with_name("player.py")
FILES = {"prompt.txt": "Extract the amount in euros.\n", "more.txt": "More.\n"}
Make = Callable[..., Agent]


def block(**more: Any) -> str:
    return f"Done.\n```json\n{json.dumps({'title': 't', 'description': 'd', **more})}\n```"


def scripted(act: dict[str, Any], **given: Any) -> Agent:
    kept = {k: v for k, v in act.items() if k in ("says", "files", "fails")}
    kept["cost_usd"] = act.get("tokens", 0) / 1e3
    return ScriptedAgent(AgentConfig(name="a", kind="scripted", script=[kept], **given))


def api(act: dict[str, Any], **given: Any) -> Agent:
    says = block(files=act["files"]) if act.get("files") else act.get("says", "")
    rules = [] if act.get("fails") else [{"answer": says}]
    price = {"input": 0, "output": act.get("tokens", 0)}
    model = ModelConfig(alias="m", provider="scripted", id="m", deterministic=True, price=price,
                        settings={"extra": {"rules": rules}})  # fmt: skip
    config = AgentConfig(name="a", kind="api", model="m", **given)
    return ApiAgent(config, lambda: Scripted(model), model)


def player(voice: str, act: dict[str, Any], **given: Any) -> AgentConfig:
    more: dict[str, Any] = {"command": (sys.executable, "-B", str(PLAYER), voice, json.dumps(act))}
    more |= {"visible": (sys.prefix, sys.base_prefix, str(PLAYER.parent)), "seconds": 30, **given}
    return AgentConfig(name="a", price={"input": 1000, "output": 0}, **more)


def claude(act: dict[str, Any], **given: Any) -> Agent:
    return ClaudeCode(player("claude", act, kind="claude_code", **given))


def codex(act: dict[str, Any], **given: Any) -> Agent:
    return Codex(player("codex", act, kind="codex", **given))


AGENTS: list[Make] = [scripted, api, claude, codex]
COMMANDS: list[Make] = [claude, codex]
every_agent = pytest.mark.parametrize("make", AGENTS)
every_command = pytest.mark.parametrize("make", COMMANDS)


@every_agent
def test_it_works_in_its_copy_and_tells_what_it_did(make: Make, job: MakeJob) -> None:
    agent, given = make({"says": block(), "files": FILES}), job()
    assert agent.check() is None
    result = agent.work(given)
    assert (result.ending, result.message) == (Ending.DONE, "")
    assert {name: (given.folder / name).read_text() for name in FILES} == FILES
    assert "```json" in result.text
    assert "title" in result.transcript


@every_agent
def test_a_copy_to_read_stays_as_it_is(make: Make, job: MakeJob) -> None:
    given = job(writes=False)
    result = make({"says": block(), "files": FILES}).work(given)
    assert result.ending is Ending.DONE
    assert [p.name for p in given.folder.iterdir()] == ["prompt.txt"]
    assert (given.folder / "prompt.txt").read_text() == "Extract the amount.\n"


@every_agent
def test_a_failure_is_a_result_and_says_why(make: Make, job: MakeJob) -> None:
    result = make({"fails": "the model is away"}).work(job())
    assert result.ending is Ending.FAILED
    assert result.message


@every_agent
def test_the_cost_is_told(make: Make, job: MakeJob) -> None:
    result = make({"says": block(), "tokens": 5000}, cost_usd=100).work(job())
    assert result.cost_usd > 0
    assert result.ending is Ending.DONE


@every_command
def test_above_its_cost_it_is_ended(make: Make, job: MakeJob) -> None:
    result = make({"says": block(), "tokens": 9000}, cost_usd=0.5).work(job())
    assert result.cost_usd == pytest.approx(9.0)
    assert result.ending is Ending.COST or make is codex  # codex tells its tokens with its end


@every_command
def test_at_its_time_it_is_ended_with_its_children(make: Make, job: MakeJob) -> None:
    word = f"sleep 4{os.getpid()}{make.__name__ == 'codex':d}"
    act = {"says": block(), "shell": f"(setsid {word} &); trap '' TERM; {word}"}
    result = make(act, seconds=1.5).work(job())
    assert result.ending is Ending.TIME
    assert result.seconds < 30
    assert not command_runs(word)


@every_command
def test_it_gets_its_own_key_and_no_other(
    make: Make, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWN_API_KEY", "sk-own-0123456789")
    monkeypatch.setenv("OTHER_API_KEY", "sk-other-0123456789")
    result = make({"shell": "env", "says": block()}, key_env="OWN_API_KEY").work(job())
    assert "sk-own-0123456789" in result.transcript
    assert "sk-other-0123456789" not in result.transcript
    assert f"HOME={job().home}" in result.transcript


@every_command
def test_the_lab_is_not_there_for_it(make: Make, job: MakeJob) -> None:
    given = job()
    look = f"cat {given.hidden[0]}/verify/gold.txt; echo looked"
    result = make({"shell": look, "says": block()}).work(given)
    assert "looked" in result.transcript
    assert "4711" not in result.transcript


@every_command
def test_prints_that_are_no_events_do_no_harm(make: Make, job: MakeJob) -> None:
    act = {"shell": "echo '{'; echo 7; echo '[1]'; echo null; echo '{}'", "says": block()}
    result = make(act).work(job())
    assert (result.ending, result.text) == (Ending.DONE, block())


@every_command
def test_more_output_than_is_kept_ends_it(make: Make, job: MakeJob) -> None:
    assert make({"shell": "yes"}).work(job()).ending is Ending.OUTPUT


@every_command
def test_more_processes_than_it_may_start_end_it(make: Make, job: MakeJob) -> None:
    shell = "for n in $(seq 200); do sleep 60 & done; sleep 60"
    result = make({"shell": shell, "says": block()}, processes=50).work(job())
    assert result.ending is Ending.PROCESSES
    assert result.seconds < 45


@every_command
def test_a_command_or_key_that_is_not_there_is_told(make: Make) -> None:
    assert "'nowhere'" in str(make({}, command=("nowhere",)).check())
    assert "NO_SUCH_KEY" in str(make({}, key_env="NO_SUCH_KEY").check())


def test_a_model_writes_nowhere_but_in_the_copy(job: MakeJob, tmp_path: Path) -> None:
    given = job()
    (given.folder / "out").symlink_to(tmp_path)
    files = {name: "x" for name in ("../up.txt", "/tmp/abs.txt", ".git/config", "out/led.txt")}
    result = api({"files": files}).work(given)
    assert sorted(result.bad_paths) == sorted(files)
    assert sorted(p.name for p in given.folder.iterdir()) == ["out", "prompt.txt"]
    assert not (given.folder.parent / "up.txt").exists()
    assert not (tmp_path / "led.txt").exists()
