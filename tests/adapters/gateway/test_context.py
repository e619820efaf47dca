"""An Ollama behind the gateway that has cut a request gave no answer, whatever it says."""

import pytest

from adapters.gateway.sessions import note_call
from adapters.gateway.texts import request_text
from prompt_lab.experiments.execute import refuse_withheld
from prompt_lab.step_results import StepResult
from tests.adapters.gateway.conftest import Start, issue, post, route
from tests.adapters.llm.faulty_server import FaultyServer, respond
from tests.adapters.llm.formats import OLLAMA


@pytest.mark.slow  # it starts a gateway
@pytest.mark.parametrize(
    ("read", "options", "kind"),
    [
        (4096, {"num_ctx": 4096}, "input_truncated"),
        (2050, {"num_ctx": 4096}, "input_truncated"),
        (9001, {"num_ctx": 16384}, ""),
        (12, {"num_ctx": 4096}, ""),  # a server that leaves cached tokens out
        (4096, {}, "input_truncated"),  # the context is unknown, the words are not
    ],
)
def test_a_cut_request_makes_the_run_an_error_of_its_kind(
    start: Start, read: int, options: dict[str, int], kind: str
) -> None:
    said = OLLAMA.answer("yes", prompt_eval_count=read)
    with FaultyServer(respond(200, said)) as server:
        config = {"provider": "ollama", "base_url": server.address}
        gateway = start(route(server.address, config=config, dialects=()))
        token = issue(gateway)
        body = {
            "model": "any",
            "messages": [{"role": "user", "content": "word " * 9000}],
            "stream": False,
            "options": options,
        }
        assert post(f"{gateway.url(token).ollama}/api/chat", body).status_code == 200
        calls = gateway.end(token)
    result = refuse_withheld(StepResult({}, "", "", None), [note_call(calls[0], calls)])
    assert (result.error.kind if result.error else "") == kind


def test_the_texts_of_a_request_in_any_dialect() -> None:
    parts = {"system": [{"text": "You\n list."}], "messages": [{"content": [{"text": "a  b"}]}]}
    assert request_text(parts) == "You list. a b"
    assert request_text({"instructions": "You", "input": "list"}) == "You list"
    assert request_text({"model": "m"}) == ""
