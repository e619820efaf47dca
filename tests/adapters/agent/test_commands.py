"""The real Claude Code and Codex, in the sandbox, on a model that uses their tools by a script.

How each ends is `long`: test_contract.py shows it with a stand-in for both commands.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from adapters.agent.claude_code import ClaudeCode
from adapters.agent.codex import Codex
from adapters.gateway.owner import Gateway
from prompt_lab.agents.port import AgentJob, AgentResult, Ending
from prompt_lab.agents.refusals import of_ending
from prompt_lab.config.agents import AgentConfig
from prompt_lab.names import Side
from tests.adapters.agent.conftest import MakeJob
from tests.adapters.agent.model import Model, Refuse, Say, Turn, Use
from tests.adapters.gateway.conftest import KEY, KEY_ENV, route
from tests.processes import command_runs

pytestmark = pytest.mark.slow
Command = Callable[[str], str]
BLOCK = 'Done.\n```json\n{"title": "Say which", "description": "Why."}\n```'
OTHER_KEY = "sk-other-0123456789abcdef"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    monkeypatch.setenv("OTHER_API_KEY", OTHER_KEY)


@contextmanager
def led_to(model: Model) -> Iterator[tuple[str, str]]:
    """A gateway before the model: (address for Codex, address for Claude Code) of one run."""
    with Gateway([route(model.address)], env=dict(os.environ)) as gateway:
        token = gateway.issue("first", plan="p", side=Side.CANDIDATE, replicate=0)
        urls = gateway.url(token)
        yield urls.openai, urls.anthropic


def shell(name: str, script: str) -> Use:
    """A call of the command's own shell."""
    if name == "claude":
        return Use("Bash", {"command": script, "description": "Work"})
    return Use("exec_command", {"cmd": script})


def work(
    name: str, command: Command, job: AgentJob, *turns: Turn, **given: float
) -> tuple[AgentResult, Model]:
    """Have the real command do a job; the model takes these turns."""
    with Model(*turns) as model, led_to(model) as (openai, anthropic):
        more = {"model": "made", "key_env": KEY_ENV, "seconds": 60, "cost_usd": 5, **given}
        more |= {"price": {"input": 100, "output": 1000}, "command": (command(name),), "name": name}
        if name == "claude":
            config = {"kind": "claude_code", "base_url": anthropic, **more}
            return ClaudeCode(AgentConfig.model_validate(config)).work(job), model
        config = {"kind": "codex", "base_url": openai, **more}
        return Codex(AgentConfig.model_validate(config)).work(job), model


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_it_edits_its_copy_and_sees_neither_the_lab_nor_other_keys(
    name: str, command: Command, job: MakeJob
) -> None:
    given = job("Improve the prompt.")
    lab = given.hidden[0]
    edit = "echo 'In euros.' >> prompt.txt"
    look = f"cat {lab}/verify/gold.txt; env; cat /proc/*/environ; echo x > {lab}/stray; {edit}"
    result, model = work(name, command, given, shell(name, look), Say(BLOCK))
    assert (result.ending, result.message) == (Ending.DONE, "")
    assert result.text == BLOCK
    assert (given.folder / "prompt.txt").read_text() == "Extract the amount.\nIn euros.\n"
    assert (result.input_tokens, result.output_tokens) == (200, 20)
    assert result.cost_usd == pytest.approx(0.04)
    seen = "".join(model.results)
    assert "HOME" in seen
    assert "4711" not in seen
    assert OTHER_KEY not in seen + result.transcript
    assert not (lab / "stray").exists()


@pytest.mark.long
@pytest.mark.parametrize("name", ["claude", "codex"])
def test_its_time_ends_what_its_tools_have_started(
    name: str, command: Command, job: MakeJob
) -> None:
    word = f"sleep 3{os.getpid()}{len(name)}"
    turn = shell(name, f"(setsid nohup {word} >/dev/null 2>&1 &); sleep 600")
    result, _ = work(name, command, job(), turn, Say(BLOCK), seconds=7)
    assert result.ending is Ending.TIME
    assert not command_runs(word)


@pytest.mark.long
def test_it_is_refused_above_its_cost(command: Command, job: MakeJob) -> None:
    turns: list[Turn] = [shell("claude", "true"), Say(BLOCK)]
    result, _ = work("claude", command, job(), *turns, cost_usd=0.03)
    limit = AgentConfig(name="c", kind="claude_code", cost_usd=0.03)
    assert [fault.code for fault in of_ending(result, limit)] == ["cost_limit"]


@pytest.mark.long
def test_an_analyst_cannot_write(command: Command, job: MakeJob) -> None:
    given = job(writes=False)
    result, _ = work("claude", command, given, shell("claude", "touch stray"), Say(BLOCK))
    assert result.text == BLOCK
    assert not (given.folder / "stray").exists()


@pytest.mark.long
@pytest.mark.parametrize("name", ["claude", "codex"])
def test_a_model_that_refuses_is_a_failure_in_its_words(
    name: str, command: Command, job: MakeJob
) -> None:
    result, _ = work(name, command, job(), Refuse(401, "this key is of no use"))
    assert result.ending is Ending.FAILED
    assert "401" in result.message
