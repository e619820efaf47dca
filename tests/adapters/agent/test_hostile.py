"""Agents whose events, files and words are not what they should be: a result all the same."""

from math import isnan
from pathlib import Path

import pytest

from adapters.agent.api import ApiAgent
from adapters.agent.claude_code import ClaudeCode
from adapters.agent.codex import Codex
from adapters.llm.scripted import Scripted
from prompt_lab.agents.port import Ending
from prompt_lab.agents.requests import believed
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.models import ModelConfig
from tests.adapters.agent.conftest import MakeJob
from tests.adapters.agent.test_contract import Make, api, block, every_command, player

pytestmark = pytest.mark.slow


@every_command
@pytest.mark.parametrize(
    "line",
    [
        '{"type": "assistant", "message": {"usage": {"input_tokens": Infinity}}}',
        '{"type": "turn.completed", "usage": {"input_tokens": -1e400}}',
        '{"a":' * 100_000,
        '{"type": "assistant", "message": [[]], "item": 7}',
    ],
    ids=["infinite", "below nothing", "deep", "odd"],
)
def test_no_event_keeps_the_rest_from_being_heard(
    make: Make, job: MakeJob, tmp_path: Path, line: str
) -> None:
    (tmp_path / "box/tree/line").write_text(f"{line}\n")
    result = make({"shell": "cat line", "says": block()}).work(job())
    assert (result.ending, result.text) == (Ending.DONE, block())
    assert result.seconds < 20


@every_command
@pytest.mark.parametrize("tokens", [-5, float("inf"), float("nan"), 1e300, "many", [1]])
def test_tokens_that_cannot_be_leave_the_cost_unknown(
    make: Make, job: MakeJob, tokens: object
) -> None:
    result = make({"says": block(), "result": {"usage": {"input_tokens": tokens}}}).work(job())
    assert (result.ending, result.text) == (Ending.DONE, block())
    assert isnan(result.cost_usd)


@pytest.mark.parametrize("cost", [None, float("nan"), float("inf"), -500.0, "dear"])
def test_a_cost_that_cannot_be_is_not_taken_for_nothing(job: MakeJob, cost: object) -> None:
    act = {"says": block(), "result": {"total_cost_usd": cost}}
    config = player("claude", act, kind="claude_code").model_copy(update={"price": None})
    result = believed(ClaudeCode(config).work(job()), config.cost_usd)
    assert (result.ending, result.cost_usd) == (Ending.DONE, config.cost_usd)
    assert "not known" in result.message


FREE = {"input": 0, "output": 0}


@pytest.mark.parametrize(
    ("kind", "price"),
    [("codex", {"input": 1, "output": 0}), ("codex", FREE), ("claude_code", None),
     ("claude_code", {"input": 1, "output": 0}), ("claude_code", FREE)],
)  # fmt: skip
def test_ended_before_it_told_its_tokens_it_counts_as_the_limit_unless_it_is_free(
    job: MakeJob, kind: str, price: dict[str, float] | None
) -> None:
    act = {"shell": 'echo \'{"type": "thread.started"}\'; sleep 60'}
    config = player("codex", act, kind="codex", seconds=1)
    config = AgentConfig.model_validate(config.model_dump() | {"kind": kind, "price": price})
    made = Codex(config) if kind == "codex" else ClaudeCode(config)
    result = believed(made.work(job()), config.cost_usd)
    known = price == FREE
    assert (result.ending, result.cost_usd) == (Ending.TIME, 0.0 if known else config.cost_usd)
    assert ("not known" in result.message) is not known


@pytest.mark.parametrize("price", [0, 1])
def test_a_call_that_fails_without_a_word_of_tokens(job: MakeJob, price: float) -> None:
    model = ModelConfig(alias="m", provider="scripted", id="m", deterministic=True,
                        price={"input": price, "output": price},
                        settings={"extra": {"fail": "refused"}})  # fmt: skip
    config = AgentConfig(name="a", kind="api", model="m")
    result = ApiAgent(config, lambda: Scripted(model), model).work(job())
    assert (result.ending, isnan(result.cost_usd)) == (Ending.FAILED, price == 1)


@every_command
def test_a_line_without_an_end_is_too_much_output_soon(make: Make, job: MakeJob) -> None:
    result = make({"shell": "head -c 40000000 /dev/zero"}).work(job())
    assert result.ending is Ending.OUTPUT
    assert result.seconds < 15


@every_command
def test_a_command_that_prints_nothing_is_said_to(make: Make, job: MakeJob) -> None:
    result = make({}, command=("true",)).work(job())
    assert result.ending is Ending.FAILED
    assert result.message == "exit code 0: it printed nothing"


def test_files_that_cannot_be_written_are_told_and_cost_what_they_cost(job: MakeJob) -> None:
    given = job()
    (given.folder / "sub").mkdir()
    bad = ["sub", "prompt.txt/x.txt", "p" * 300 + ".txt", "a\0b"]
    act = {"files": {**dict.fromkeys(bad, "x"), "good.txt": "y\r\n"}, "tokens": 5000}
    result = api(act, cost_usd=100).work(given)
    assert (result.ending, list(result.bad_paths)) == (Ending.DONE, bad)
    assert result.cost_usd > 0
    assert (given.folder / "good.txt").read_bytes() == b"y\r\n"


@pytest.mark.parametrize("says", ["half \ud800 a pair", block(files={"prompt.txt": "\ud800"})])
def test_half_a_surrogate_pair_of_a_model_can_be_written_down(job: MakeJob, says: str) -> None:
    given = job()
    result = api({"says": says}).work(given)
    assert result.text.encode()
    assert result.transcript.encode()
    assert (given.folder / "prompt.txt").read_text() == "Extract the amount.\n"
