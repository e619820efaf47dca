"""The shortest way through the whole gateway, in every dialect."""

from pathlib import Path

from adapters.wire.dialects import DIALECTS
from tests.adapters.gateway.conftest import KEY, Start, issue, post, route
from tests.adapters.gateway.stand_in import StandIn


def test_one_call_in_each_dialect(start: Start, tmp_path: Path) -> None:
    with StandIn("hello") as server:
        gateway = start(route(server.address), mode="record", recordings=tmp_path / "kept")
        token = issue(gateway)
        base = gateway.url(token).anthropic
        for dialect in DIALECTS.values():
            body = {dialect.text_key: [{"role": "user", "content": "Hi"}], "stream": True}
            answer = post(base + dialect.path, body)
            assert answer.headers["content-type"] == dialect.stream_type
            assert dialect.read_stream(answer.content).text == "hello"
            assert post(base + dialect.path, b"{").status_code == 400
        assert post(f"{base}x/v1/messages", {"messages": []}).status_code == 404
        assert {headers["authorization"] for _, headers, _ in server.seen} == {f"Bearer {KEY}"}
    usage = gateway.usage(token)
    assert (usage.calls, usage.failed, usage.uncounted) == (4, 0, 0)
    assert usage.input_tokens == server.tokens["input"]
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 4
