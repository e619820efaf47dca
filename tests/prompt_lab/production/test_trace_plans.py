"""A plan holds the context up to one turn; tools answer from the trace; the score is a contract."""

import json
from datetime import date
from typing import Any

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.production.simulate import PLANTED, simulate_day
from prompt_lab.production.simulated_prompts import PROMPT_ID, write_prompt
from prompt_lab.production.trace_plans import (
    ANSWER,
    CONTRACT_FILE,
    TraceTurn,
    answer_schema,
    build_plan,
    plan_name,
    read_turn,
    render_turn,
    score_turn,
    take_output,
    turn_file,
)
from prompt_lab.traces import Payload, Trace

WHEN = "2026-02-01T00:00:00.000Z"


def trace_of(*messages: dict[str, Any], tools: tuple[str, ...] = ("search", "write")) -> Trace:
    payload = Payload(messages=messages, tools_offered=tools)
    return Trace(trace_id="t-1", created_at=WHEN, payload=payload)


def call(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": "{}"}}


CONVERSATION = (
    {"role": "system", "content": "SECRET PROMPT"},
    {"role": "user", "content": "first question"},
    {"role": "assistant", "content": "first answer"},
    {"role": "user", "content": "second question"},
    {"role": "assistant", "content": None, "tool_calls": [call("search")]},
    {"role": "tool", "name": "search", "content": "found it"},
    {"role": "assistant", "content": "the recorded end"},
)


def test_a_plan_holds_the_context_and_neither_the_prompt_nor_the_recorded_answer() -> None:
    plan = build_plan(trace_of(*CONVERSATION), "writer", is_healthy=True)
    assert plan is not None
    turn = read_turn(plan[turn_file("writer")], "here")
    text = render_turn(turn)
    assert "SECRET PROMPT" not in text + json.dumps(plan)
    assert "the recorded end" not in json.dumps(plan)
    assert "first answer" in text
    assert "second question" in text
    assert "found it" not in text, "a tool's output is given when the tool is called"
    assert "found it" in render_turn(turn, [("search", "found it")])
    assert json.loads(plan[CONTRACT_FILE])["first_action"] == "search"


def test_only_a_healthy_trace_gives_gold() -> None:
    plan = build_plan(trace_of(*CONVERSATION), "writer", is_healthy=False)
    assert plan is not None
    assert json.loads(plan[CONTRACT_FILE])["first_action"] == ""


def test_a_trace_without_a_recorded_turn_gives_no_plan() -> None:
    assert build_plan(trace_of(), "writer") is None
    assert build_plan(trace_of({"role": "user", "content": "unanswered"}), "writer") is None


def test_secrets_of_a_trace_do_not_reach_a_plan() -> None:
    key = "sk-" + "a1b2c3d4" * 4
    asked = {"role": "user", "content": f"my key is {key}"}
    plan = build_plan(trace_of(asked, {"role": "assistant", "content": "ok"}), "writer")
    assert plan is not None
    assert key not in json.dumps(plan)


def test_tools_answer_once_for_each_recorded_call() -> None:
    turn = TraceTurn.model_validate(
        {
            "context": [],
            "tools": ["a"],
            "recorded": [{"tool": "a", "output": "1"}, {"tool": "a", "output": "2"}],
        }
    )
    assert take_output(turn, [], "a") == "1"
    assert take_output(turn, [("a", "1")], "a") == "2"
    assert take_output(turn, [("a", "1"), ("a", "2")], "a") is None
    assert take_output(turn, [], "b") is None
    assert answer_schema(turn, 9)["properties"]["action"]["enum"] == ["a", ANSWER]


CONTRACT = {"actions": ["search", ANSWER], "forbidden": ["100 % safe"], "first_action": "search"}


@pytest.mark.parametrize(
    ("steps", "contract", "right"),
    [
        ([{"action": "search", "content": "x"}], 1.0, 1.0),
        ([{"action": ANSWER, "content": "hello"}], 1.0, 0.75),
        ([{"action": "fly", "content": "x"}], 2 / 3, 0.5),
        ([{"action": "search", "content": " "}], 2 / 3, 0.75),
        ([{"action": ANSWER, "content": "It is 100 % SAFE."}], 2 / 3, 0.5),
        ([], 0.0, 0.0),
    ],
)
def test_the_score_of_an_answer(steps: list[dict[str, str]], contract: float, right: float) -> None:
    parts = score_turn(CONTRACT, {"steps": steps})
    assert parts["contract"] == pytest.approx(contract)
    assert parts["right"] == pytest.approx(right)
    assert parts.keys() == score_turn(CONTRACT, {}).keys()


def test_a_damaged_turn_is_named() -> None:
    with pytest.raises(StoreError, match="plan/x: is no turn"):
        read_turn("{}", "plan/x")


def test_every_simulated_trace_gives_a_plan_of_bounded_size() -> None:
    prompts = {PROMPT_ID: write_prompt()}
    day = simulate_day(date(2026, 2, 3), seed=1, prompts=prompts, faults=PLANTED)
    plans = {plan_name(one.trace_id): build_plan(one, PROMPT_ID) for one in day.traces}
    assert len(plans) == len(day.traces) > 20
    texts = [
        render_turn(read_turn(plan[turn_file(PROMPT_ID)], "x")) for plan in plans.values() if plan
    ]
    assert len(texts) == len(plans)
    assert max(map(len, texts)) < 6_000
    assert not any("Style guide" in text for text in texts)
