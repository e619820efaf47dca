"""Tokens and cost of each run are exactly those of its calls, and no key is in any file."""

import json
from concurrent.futures import ThreadPoolExecutor
from math import fsum
from pathlib import Path

import pytest

from adapters.gateway.records import CallRecord, GatewayUsage
from tests.adapters.gateway.conftest import KEY, Start, ask, issue, post, route
from tests.adapters.gateway.stand_in import Fault, StandIn

pytestmark = pytest.mark.slow  # each test starts a gateway
PRICED = route("http://127.0.0.1:9").config


def test_four_workers_at_35_runs_count_what_the_server_and_the_log_count(
    start: Start, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    with StandIn("a", "bcd", "efghij", "kl" * 40, faults=[Fault(429), Fault(500)]) as server:
        gateway = start(route(server.address), log=log)
        tokens = [issue(gateway, plan=f"plan {n % 5}", replicate=n // 5) for n in range(35)]

        def run(number: int) -> None:
            for turn in range(3):
                more = {"stream": True} if turn == 1 else {}
                text = f"{number} {turn} " + "x" * number
                assert ask(gateway, tokens[number], text, **more).status_code == 200

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(run, range(35)))
        usages = [gateway.usage(token) for token in tokens]
        calls = [gateway.calls(token) for token in tokens]
    rows = [CallRecord.model_validate_json(line) for line in log.read_text("utf-8").splitlines()]
    assert len(rows) == 105
    for number, (usage, own) in enumerate(zip(usages, calls, strict=True)):
        assert (usage.calls, usage.open, usage.uncounted) == (3, 0, 0)
        logged = [row for row in rows if row.run == own[0].run]
        assert usage == GatewayUsage.sum_calls(logged) == GatewayUsage.sum_calls(own)
        assert usage.cost == fsum(PRICED.cost(c.input_tokens, c.output_tokens) for c in own)
        assert [call.number for call in own] == [0, 1, 2]
        texts = [call.request["messages"][0]["content"].split()[:2] for call in own]
        assert texts == [[str(number), str(turn)] for turn in range(3)]
    assert sum(usage.input_tokens for usage in usages) == server.tokens["input"]
    assert sum(usage.output_tokens for usage in usages) == server.tokens["output"]
    assert sum(usage.retries for usage in usages) == 2


def test_no_key_is_in_any_file_or_answer(start: Start, tmp_path: Path) -> None:
    other, mine = "sk-ant-abcdefghijklmnop", "a-token-in-an-address"
    echo = json.dumps({"error": {"message": f"wrong key {KEY}"}})
    texts = f"the key is {KEY}"
    with StandIn(texts, faults=[Fault(429, {}, echo), Fault(400, {}, echo)]) as server:
        given = {"mode": "record", "recordings": tmp_path / "recordings"}
        gateway = start(route(server.address), **given)
        token = issue(gateway)
        asked = f"my key {KEY}, {other}; GET https://x/?api_key={mine}&b=1"
        body = {"messages": [{"role": "user", "content": asked}], "api_key": "another-secret"}
        answers = [
            post(
                f"{gateway.url(token).openai}/chat/completions",
                {**body, "stream": stream},
                authorization=f"Bearer {other}",
            )
            for stream in (False, False, True)
        ]
        calls = gateway.end(token)
        assert server.seen[0][2]["messages"] == body["messages"]  # what is asked is not changed
    # The stand-in spells the key over two events of its stream, which is not passed on.
    assert [answer.status_code for answer in answers] == [400, 200, 503]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3  # the log and two recordings
    kept = "".join(path.read_text("utf-8") for path in files)
    for secret in (KEY, other, mine, "another-secret"):
        assert secret not in kept
        assert secret not in "".join(call.model_dump_json() for call in calls)
    assert KEY not in "".join(answer.text + str(answer.headers) for answer in answers)
    assert "b=1" in kept
    assert token not in kept
