"""What servers do wrong is an error of ours with a sentence, in time and in bounded memory."""

import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.llm.base import BaseLlm
from pipeline.wiring import load_adapter
from prompt_lab.errors import LabError
from prompt_lab.ports import Answer, Request
from tests.adapters.llm.fault_cases import (
    STATUS,
    FaultCase,
    cases_of,
    finish_cases,
    quick,
    shape_cases,
    size_cases,
    time_cases,
)
from tests.adapters.llm.faulty_server import FaultyServer, respond
from tests.adapters.llm.formats import CHAT, FORMATS, MESSAGES, OLLAMA, Format
from tests.adapters.llm.vendors import KEY, KEY_ENV

ASKED = Request("Extract the amount.", "Pay 12 EUR.", max_tokens=99)
SECONDS = 0.3
SLACK = 3.0
"""Seconds that a loaded machine may add to all attempts of a call."""
Outcome = tuple[str, Answer | None, list[float]]
Ask = Callable[..., Outcome]
"""(case, format, client, seconds) -> the name of the error or '', the answer, the pauses."""


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv(KEY_ENV, KEY)

    def run(
        case: FaultCase, form: Format = CHAT, kind: str = "llm", seconds: float = SECONDS
    ) -> Outcome:
        pauses: list[float] = []
        with FaultyServer(case.script) as server:
            limit = seconds if case.slow else 20.0
            config = form.config(server.address, key_env=KEY_ENV, timeout_seconds=limit)
            model: BaseLlm = load_adapter(kind, form.provider)(config, pause=pauses.append)
            try:
                return "", model.ask(ASKED), pauses
            except LabError as error:
                caught = error
            finally:
                model.close()
            said = "".join(traceback.format_exception(caught))
            assert KEY not in said
            assert case.says in str(caught)
            return type(caught).__name__, None, pauses

    return run


def _by_name(value: object) -> str:
    return str(getattr(value, "name", value))


TABLE = [
    *((CHAT, case) for case in cases_of(CHAT)),
    # Time does not hang on the format.
    *((form, case) for form in (MESSAGES, OLLAMA) for case in quick(cases_of(form))),
]


@pytest.mark.parametrize(("form", "case"), TABLE, ids=_by_name)
def test_6_7_8_what_a_server_does_wrong(form: Format, case: FaultCase, ask: Ask) -> None:
    begun = time.monotonic()
    outcome, answer, pauses = ask(case, form)
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
    for form in FORMATS:
        names = [case.name for case in cases_of(form)]
        assert len(set(names)) == len(names) >= 80


@pytest.mark.slow
@pytest.mark.long
def test_6_the_deadline_of_a_call_is_kept_within_10_percent(ask: Ask) -> None:
    cases, limit = time_cases(CHAT), 5.0

    def measure(case: FaultCase) -> tuple[str, float]:
        begun = time.monotonic()
        ask(case, seconds=limit)
        return case.name, time.monotonic() - begun

    with ThreadPoolExecutor(len(cases)) as threads:
        found = dict(threads.map(measure, [case for case in cases if case.slow]))
    assert len(found) >= 12
    assert {name: took for name, took in found.items() if not 10.0 <= took <= 11.0} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [*size_cases(CHAT), *shape_cases(CHAT)[:6]], ids=lambda case: case.name
)
def test_6_memory_is_bounded_whatever_comes(case: FaultCase) -> None:
    with FaultyServer(case.script) as server:
        command = [sys.executable, "-m", "tests.adapters.llm.hostile_caller", server.address]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(said.stdout) < 60  # MB: a body of 8, its pieces, and what is made of them
    assert said.stderr == ""


SDK_COERCES = {
    *((form, "tokens that are a text") for form in ("chat", "messages", "ollama")),
    *((form, "tokens that are true") for form in ("chat", "ollama")),
    *(("ollama", f"tokens {which}") for which in ("of 1e999", "of 10**30", "below 0")),
}
"""Counts that are no whole numbers from 0 on: an SDK makes some number of them, or refuses the
answer, and we count none."""
SAME = [
    (form, case)
    for form in FORMATS
    for case in (
        quick(cases_of(form))
        if form is CHAT
        else [*shape_cases(form), *finish_cases(form), *STATUS]
    )
    if (form.name, case.name) not in SDK_COERCES
]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "case"), SAME, ids=_by_name)
def test_the_sdk_gives_the_same(form: Format, case: FaultCase, ask: Ask) -> None:
    wire, sdk = ask(case, form, "llm"), ask(case, form, "llm_sdk")
    assert sdk[0] == wire[0]
    assert sdk[2] == wire[2]
    if wire[1] is not None and sdk[1] is not None:
        same = ("text", "input_tokens", "output_tokens", "finish_reason", "answered_by")
        assert [getattr(sdk[1], name) for name in same] == [getattr(wire[1], name) for name in same]


@pytest.mark.parametrize("form", FORMATS, ids=_by_name)
@pytest.mark.parametrize("kind", ["llm", pytest.param("llm_sdk", marks=pytest.mark.slow)])
def test_8_a_key_that_a_server_repeats_is_in_no_answer(ask: Ask, kind: str, form: Format) -> None:
    said = form.answer(f"Bearer {KEY} and sk-abcdefabcdefabcdef", model=KEY)
    _, answer, _ = ask(FaultCase("echo", respond(200, said)), form, kind)
    assert answer is not None
    assert (answer.text, answer.answered_by) == ("Bearer [key] and [key]", "[key]")


@pytest.mark.parametrize("form", FORMATS, ids=_by_name)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_8_no_part_of_a_repeated_key_is_left_where_a_message_is_shortened(
    form: Format, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "longword" * 12  # no shape that keys have: found by its value alone
    monkeypatch.setenv(KEY_ENV, key)
    for before in range(0, 400, 7):
        body = {"error": {"message": "." * before + key}}
        with FaultyServer(respond(status, body)) as server:
            config = form.config(server.address, key_env=KEY_ENV)
            model: BaseLlm = load_adapter("llm", form.provider)(config, pause=lambda _: None)
            with pytest.raises(LabError) as caught:
                model.ask(ASKED)
        assert "longword" not in str(caught.value), before


@pytest.mark.parametrize("form", FORMATS, ids=_by_name)
def test_8_a_redirect_to_another_host_is_not_followed(form: Format, ask: Ask) -> None:
    with FaultyServer(respond(200, form.good())) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            address = f"{elsewhere.address}/v1"
            case = FaultCase("redirect", respond(status, b"", Location=address), says="redirects")
            assert ask(case, form)[0] == "ModelUnavailable"
        assert elsewhere.requests == []
