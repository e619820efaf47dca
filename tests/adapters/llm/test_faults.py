"""What servers do wrong is an error of ours with a sentence, in time and in bounded memory."""

import subprocess
import sys
import time
import traceback
from collections.abc import Callable

import pytest

from adapters.llm.base import BaseLlm
from pipeline.wiring import load_adapter
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError
from prompt_lab.ports import Answer, Request
from tests.adapters.llm.fault_cases import CASES, SHAPE, SIZE, FaultCase
from tests.adapters.llm.faulty_server import FaultyServer, respond
from tests.adapters.llm.vendors import KEY, KEY_ENV
from tests.loopback import completion

ASKED = Request("Extract the amount.", "Pay 12 EUR.", max_tokens=99)
SECONDS = 0.4
SLACK = 3.0
"""Seconds that a loaded machine may add to all attempts of a call."""
Ask = Callable[[FaultCase, str], tuple[str, Answer | None, list[float]]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """(case, client) -> the name of the error or '', the answer, the pauses."""
    monkeypatch.setenv(KEY_ENV, KEY)

    def run(case: FaultCase, kind: str) -> tuple[str, Answer | None, list[float]]:
        pauses: list[float] = []
        with FaultyServer(case.script) as server:
            config = ModelConfig(
                alias="m",
                provider="openai_like",
                id="x",
                base_url=f"{server.address}/v1",
                key_env=KEY_ENV,
                deterministic=True,
                timeout_seconds=SECONDS if case.slow else 20.0,
            )
            model: BaseLlm = load_adapter(kind, "openai_like")(config, pause=pauses.append)
            try:
                return "", model.ask(ASKED), pauses
            except LabError as error:
                caught = error
            said = "".join(traceback.format_exception(caught))
            assert KEY not in said
            assert case.says in str(caught)
            return type(caught).__name__, None, pauses

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_server_does_wrong(case: FaultCase, ask: Ask) -> None:
    begun = time.monotonic()
    outcome, answer, pauses = ask(case, "llm")
    seconds = time.monotonic() - begun
    assert outcome == case.outcome
    if case.slow:
        assert len(pauses) == 1  # two attempts end in silence
        assert 2 * SECONDS <= seconds < 2 * SECONDS * 1.1 + SLACK
    if case.pauses is not None:
        assert tuple(pauses) == case.pauses
    if answer is not None:
        assert answer.finish_reason == case.finish
        assert 0 <= answer.input_tokens <= 10**9
        assert answer.text


def test_there_are_enough_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 80


@pytest.mark.slow
@pytest.mark.parametrize("case", [*SIZE, *SHAPE[:4]], ids=lambda case: case.name)
def test_memory_is_bounded_whatever_comes(case: FaultCase) -> None:
    with FaultyServer(case.script) as server:
        command = [sys.executable, "-m", "tests.adapters.llm.hostile_caller", server.address]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(said.stdout) < 60  # MB: a body of 8, its pieces, and what is made of them
    assert said.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.slow], ids=lambda case: case.name
)
def test_the_sdk_gives_the_same(case: FaultCase, ask: Ask) -> None:
    wire, sdk = ask(case, "llm"), ask(case, "llm_sdk")
    assert sdk[0] == wire[0]
    assert sdk[2] == wire[2]
    if wire[1] is not None and sdk[1] is not None:
        same = ("text", "input_tokens", "output_tokens", "finish_reason", "answered_by")
        assert [getattr(sdk[1], name) for name in same] == [getattr(wire[1], name) for name in same]


@pytest.mark.parametrize("kind", ["llm", "llm_sdk"])
def test_a_key_that_a_server_repeats_is_in_no_answer(ask: Ask, kind: str) -> None:
    said = completion(f"Bearer {KEY} and sk-abcdefabcdefabcdef") | {"model": KEY}
    _, answer, _ = ask(FaultCase("echo", respond(200, said)), kind)
    assert answer is not None
    assert (answer.text, answer.answered_by) == ("Bearer [key] and [key]", "[key]")
