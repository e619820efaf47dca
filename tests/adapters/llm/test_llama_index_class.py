"""What is a profile's own: which classes it may name, what its arguments mean, LM Studio."""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from pytest_httpserver import HTTPServer

from adapters.llm.llama_index_class import CLASSES, LlamaIndexClass
from prompt_lab.config.profiles import model_of
from prompt_lab.errors import CallRefused, LabError, ModelUnavailable, TransientError
from prompt_lab.ports import Answer, Request
from tests.adapters.llm.conftest import World
from tests.adapters.llm.faulty_server import (
    FaultyServer,
    bomb,
    drip,
    head,
    reset,
    respond,
)
from tests.adapters.llm.formats import CHAT as CHAT_FORM
from tests.adapters.llm.formats import MESSAGES, OLLAMA, Format
from tests.adapters.llm.vendors import VENDORS

ASKED = Request("s", "u", max_tokens=99)
SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
WorldOf = Callable[[str], World]
CHAT = next(vendor for vendor in VENDORS if vendor.provider == "openai_like")


def made(kind: str, arguments: dict[str, Any]) -> LlamaIndexClass:
    entry = {"class": kind, "arguments": {"model": "some-model", **arguments}}
    return LlamaIndexClass(model_of("m", entry, os.environ), pause=lambda _: None)


def fault(model: LlamaIndexClass) -> str:
    """What both say: the check, and the first call."""
    said = model.check() or ""
    with pytest.raises(ModelUnavailable) as caught:
        model.ask(ASKED)
    assert said in str(caught.value)
    return said


def test_only_known_classes_can_be_named() -> None:
    assert "use one of Anthropic, LMStudio" in fault(made("os.system", {}))


def test_every_known_class_is_installed() -> None:
    assert {
        kind: made(kind, {BY_CLASS[kind].address: "http://x", "api_key": "k"}).check()
        for kind in CLASSES
    } == (dict.fromkeys(CLASSES))


def test_every_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY_1", raising=False)
    monkeypatch.setenv("NO_KEY_2", "")
    arguments = {
        "api_key": "${NO_KEY_1}",
        "api_base": "http://x",
        "default_headers": {"a": "${NO_KEY_2}"},
    }
    assert fault(made("OpenAILike", arguments)).endswith("NO_KEY_1, NO_KEY_2")


def test_a_class_takes_its_own_variable_only_where_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert "OPENROUTER_API_KEY" in fault(made("OpenRouter", {}))


def test_a_server_without_an_address_is_never_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    assert "api_base" in fault(made("OpenAILike", {"is_chat_model": True}))


def test_no_other_server_is_given_openais_key(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    world = World(CHAT, "")
    world.reply(200, CHAT.answer("x"))
    httpserver.expect_request("/chat/completions").respond_with_handler(world.handle)
    arguments = {"api_base": httpserver.url_for(""), "is_chat_model": True}
    assert made("OpenAILike", arguments).ask(ASKED).text == "x"
    assert world.keys == ["Bearer none"]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Anthropic", {"is_function_calling_model": False}),
        ("OpenAILike", {"api_base": "http://127.0.0.1:9", "temperature": "warm"}),
        ("OpenAI", {"model": "no-model-of-openai"}),
        ("Anthropic", {"thinking_dict": 4}),
    ],
)
def test_arguments_that_a_class_does_not_take(kind: str, arguments: dict[str, Any]) -> None:
    model = made(kind, {"api_key": "sk-literal-0815", **arguments})
    # Found at the check where a client is made there; else at the first call.
    assert "refuses its arguments" in (model.check() or "refuses its arguments")
    with pytest.raises(ModelUnavailable, match="refuses its arguments") as caught:
        model.ask(ASKED)
    assert "sk-literal-0815" not in str(caught.value)


def test_arguments_of_a_wrong_kind_are_named_in_one_line() -> None:
    wrong = {"max_retries": "many", "timeout": ["soon"], "api_base": "http://127.0.0.1:9"}
    with pytest.raises(ModelUnavailable) as caught:
        made("OpenAILike", {"api_key": "sk-literal-0815", **wrong}).ask(ASKED)
    said = str(caught.value)
    assert said.startswith("m: class 'OpenAILike' refuses its arguments: max_retries: Input should")
    assert "; timeout: Input should be a valid number" in said
    assert "\n" not in said
    assert "pydantic" not in said


def test_a_key_that_is_written_out_is_in_no_record_and_no_message(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/chat/completions").respond_with_data(
        '{"error": {"message": "who is sk-literal-0815?"}}', status=401
    )
    arguments = {"api_base": httpserver.url_for(""), "api_key": "sk-literal-0815"}
    model = made("OpenAILike", {**arguments, "is_chat_model": True})
    assert "sk-literal-0815" not in model.config.model_dump_json() + repr(model.config)
    with pytest.raises(ModelUnavailable, match=r"who is \[key\]"):
        model.ask(ASKED)


def test_a_class_that_retries_by_itself_is_not_asked_again(world_of: WorldOf) -> None:
    world = world_of("Anthropic")
    world.reply(500, world.vendor.error("broken"))
    arguments = {"base_url": world.address, "api_key": "k", "max_retries": 1}
    with pytest.raises(TransientError):
        made("Anthropic", arguments).ask(ASKED)
    assert len(world.sent) == 2


def test_a_model_that_thinks_is_not_forced_to_a_tool(world_of: WorldOf) -> None:
    world = world_of("Anthropic")
    world.reply(200, world.vendor.json_answer({"a": 1}))
    thinking = {"thinking_dict": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000}
    arguments = {"base_url": world.address, "api_key": "k", "max_retries": 0, **thinking}
    made("Anthropic", arguments).ask(Request("s", "u", SCHEMA))
    assert world.sent[0]["tool_choice"] == {"type": "auto"}
    assert world.sent[0]["thinking"]["budget_tokens"] == 1024


def test_openais_own_class_limits_a_reasoning_model_by_its_own_key(
    httpserver: HTTPServer,
) -> None:
    world = World(CHAT, "")
    world.reply(200, CHAT.answer("x"))
    httpserver.expect_request("/chat/completions").respond_with_handler(world.handle)
    arguments = {"model": "gpt-5-nano", "api_base": httpserver.url_for(""), "api_key": "k"}
    # Keys that PlanExe's files hold for every class, whether it knows them or not.
    more = {"context_window": 400000, "is_function_calling_model": False, "temperature": 1.0}
    assert made("OpenAI", {**arguments, **more}).ask(ASKED).text == "x"
    assert world.sent[0]["max_completion_tokens"] == 99
    assert "max_tokens" not in world.sent[0]


class Studio:
    """LM Studio's server, and a model that is led to it."""

    def __init__(self, server: HTTPServer, status: int, body: Any) -> None:
        self.world = World(CHAT, "")
        self.world.reply(status, body)
        server.expect_request("/v1/chat/completions").respond_with_handler(self.world.handle)
        address = {"base_url": server.url_for("/v1"), "is_function_calling_model": False}
        entry = {"class": "LMStudio", "arguments": {"model_name": "local", **address}}
        model = model_of("m", entry, {})
        self.model = LlamaIndexClass(model, pause=self.world.pauses.append)

    def ask(self, request: Request) -> Answer:
        return self.model.ask(request)


def test_lm_studio_answers(httpserver: HTTPServer) -> None:
    studio = Studio(httpserver, 200, CHAT.answer("12 €", cut=True))
    answer = studio.ask(Request("s", "u", SCHEMA, max_tokens=99, seed=4))
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("12 €", 11, 5)
    assert (answer.finish_reason, answer.answered_by) == ("length", "it-was-me")
    sent = studio.world.sent[0]
    assert (sent["model"], sent["max_tokens"], sent["seed"]) == ("local", 99, 4)
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    studio.model.close()


@pytest.mark.parametrize(
    ("status", "kind", "calls"),
    [(404, ModelUnavailable, 1), (400, CallRefused, 1), (500, TransientError, 5)],
)
def test_lm_studio_refuses(
    httpserver: HTTPServer, status: int, kind: type[LabError], calls: int
) -> None:
    studio = Studio(httpserver, status, {"error": "no"})
    with pytest.raises(kind):
        studio.ask(ASKED)
    assert len(studio.world.sent) == calls


@pytest.mark.parametrize("body", ["", "<html>", "[]", json.dumps({"choices": None})])
def test_lm_studio_talks_nonsense(httpserver: HTTPServer, body: str) -> None:
    with pytest.raises(TransientError):
        Studio(httpserver, 200, body).ask(ASKED)


class Class(NamedTuple):
    """What a class speaks, how it takes an address and a limit of time, and what else it needs."""

    form: Format
    address: str
    limit: str
    more: dict[str, Any]

    def arguments(self, address: str, seconds: float) -> dict[str, Any]:
        base = f"{address}/v1" if self.form is CHAT_FORM else address
        return {self.address: base, self.limit: seconds, **self.more}


_ONCE = {"api_key": "x", "max_retries": 0}
_PLAIN = {"is_function_calling_model": False}
BY_CLASS = {
    "OpenAI": Class(CHAT_FORM, "api_base", "timeout", {"model": "gpt-4o", **_ONCE}),
    "OpenAILike": Class(
        CHAT_FORM, "api_base", "timeout", {"is_chat_model": True, **_PLAIN, **_ONCE}
    ),
    "OpenRouter": Class(CHAT_FORM, "api_base", "timeout", _ONCE),
    "Anthropic": Class(MESSAGES, "base_url", "timeout", _ONCE),
    "Ollama": Class(OLLAMA, "base_url", "request_timeout", {"context_window": 8192}),
    "LMStudio": Class(CHAT_FORM, "base_url", "request_timeout", {"model_name": "x", **_PLAIN}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLASSES)
def test_6_8_answers_to_a_class_are_bounded_as_all_others(kind: str) -> None:
    known = BY_CLASS[kind]
    good = respond(200, known.form.good())
    with FaultyServer(good) as elsewhere, FaultyServer(reset()) as server:

        def asked(seconds: float = 20.0) -> tuple[type[LabError], str]:
            model = made(kind, known.arguments(server.address, seconds))
            with pytest.raises(LabError) as caught:
                model.ask(ASKED)
            model.close()
            return type(caught.value), str(caught.value)

        server.script = drip(b" ", first=head())
        assert asked(0.4)[0] is TransientError
        server.script = respond(200, bomb(64), Content_Encoding="gzip")
        assert "8,388,608" in asked()[1]
        server.script = respond(200, b"[" * 200_000)
        assert "100 levels" in asked()[1]
        server.script = respond(307, b"", Location=f"{elsewhere.address}/v1")
        assert asked()[0] is ModelUnavailable
        assert elsewhere.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "proxy",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"NO_PROXY": "fd07:b51a:cc66:f0::/64", "HTTP_PROXY": "http://127.0.0.1:9"},
    ],
)
@pytest.mark.parametrize("kind", CLASSES)
def test_a_client_that_cannot_be_made_is_one_sentence_at_the_check(
    kind: str, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in proxy.items():
        monkeypatch.setenv(name, value)
    known = BY_CLASS[kind]
    with FaultyServer(respond(200, known.form.good())) as server:
        model = made(kind, known.arguments(server.address, 20.0))
        why = model.check()
        if why is not None:
            assert "its client cannot be made" in why
            assert "\n" not in why
            assert "httpx[socks]" in why
            with pytest.raises(ModelUnavailable):
                model.ask(ASKED)
        else:
            assert model.ask(ASKED).text == "yes"
