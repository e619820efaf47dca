"""An input that is longer than the context is an error of its own kind, before and after a call."""

import pytest

from pipeline.wiring import load_adapter
from prompt_lab.errors import InputTruncated
from prompt_lab.ports import Request
from tests.adapters.llm.faulty_server import FaultyServer, respond
from tests.adapters.llm.formats import CHAT, OLLAMA

CLIENTS = ["llm", pytest.param("llm_sdk", marks=pytest.mark.slow)]


@pytest.mark.parametrize("kind", CLIENTS)
def test_what_cannot_fit_is_not_sent(kind: str) -> None:
    with FaultyServer(respond(200, OLLAMA.good())) as server:
        model = load_adapter(kind, "ollama")(OLLAMA.config(server.address))
        with pytest.raises(InputTruncated, match=r"9,001 tokens or more.*num_ctx") as caught:
            model.ask(Request("Extract", "word " * 9000))
        assert (caught.value.kind, server.requests) == ("input_truncated", [])
        assert model.ask(Request("Extract", "word " * 8000)).text == "yes"


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize(
    ("read", "fits"), [(8192, False), (8000, True), (7999, False), (4096, False), (12, True)]
)
def test_what_the_server_has_cut_is_no_answer(kind: str, read: int, fits: bool) -> None:
    """12 of 8000: an Ollama that does not count what it has cached; 8192: the context is full."""
    said = OLLAMA.answer("yes", prompt_eval_count=read)
    with FaultyServer(respond(200, said)) as server:
        model = load_adapter(kind, "ollama")(OLLAMA.config(server.address))
        request = Request("Extract", "word " * 7999)
        if fits:
            assert model.ask(request).text == "yes"
        else:
            with pytest.raises(InputTruncated, match=f"read {read:,} tokens"):
                model.ask(request)


def test_a_larger_context_is_taken_from_the_settings_and_other_servers_refuse_by_themselves() -> (
    None
):
    long = Request("Extract", "word " * 9000)
    with FaultyServer(respond(200, OLLAMA.good())) as server:
        config = OLLAMA.config(server.address, settings={"extra": {"num_ctx": 16384}})
        assert load_adapter("llm", "ollama")(config).ask(long).text == "yes"
    with FaultyServer(respond(200, CHAT.good())) as server:
        assert load_adapter("llm", "openai_like")(CHAT.config(server.address)).ask(long).text


def test_text_without_blanks_is_estimated_by_its_characters() -> None:
    """Tables, base64 and languages without blanks have few words and many tokens."""
    with FaultyServer(respond(200, OLLAMA.good())) as server:
        model = load_adapter("llm", "ollama")(OLLAMA.config(server.address))
        with pytest.raises(InputTruncated, match=r"8,572 tokens or more"):
            model.ask(Request("Extract", "a1" * 30_000))
        assert server.requests == []
