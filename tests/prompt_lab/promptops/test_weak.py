"""A prompt is weak by its interval, with enough support, in one of its task classes."""

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.weak import find_weak
from prompt_lab.traces import Window
from tests.memory_stores import MemoryOutcomes

CONFIG = PromptOpsConfig(weak_below=0.8, least_support=30)
ALL = Window("2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z")
WHEN = "2026-02-26T12:00:00.000Z"


def make_calls(good: int, bad: int, **facts: object) -> list[CallOutcome]:
    stem = "-".join(map(str, facts.values()))
    given = {"when": WHEN, "prompt_id": "query", "variant": "now"} | facts
    return [
        CallOutcome.model_validate({"trace": f"{stem}{at}", "success": at < good} | given)
        for at in range(good + bad)
    ]


def find(*calls: list[CallOutcome], current: dict[str, str] | None = None) -> list[str]:
    store = MemoryOutcomes(one for part in calls for one in part)
    return [
        f"{one.prompt_id}/{one.task_class}/{one.reason}"
        for one in find_weak(store.summary(ALL), CONFIG, current)
    ]


def test_minimum_support_and_interval_are_required() -> None:
    assert find(make_calls(0, 29)) == []
    assert find(make_calls(0, 30)) == ["query//success"]
    assert find(make_calls(22, 8)) == []  # 73 %, but the interval reaches 88 %
    assert find(make_calls(220, 80)) == ["query//success"]
    assert find(make_calls(290, 10)) == []


def test_one_weak_task_class_is_found_among_healthy_ones() -> None:
    healthy = make_calls(900, 20, task_class="quick")
    weak = make_calls(50, 50, task_class="multi")
    assert find(healthy, weak) == ["query/multi/success"]


def test_thumbs_alone_can_show_a_weak_prompt() -> None:
    down = make_calls(100, 0, feedback="down")
    assert find(down) == ["query//feedback"]
    assert find(make_calls(100, 0, feedback="up")) == []


def test_outcomes_of_a_canary_or_an_earlier_text_count_not() -> None:
    canary = make_calls(0, 100, arm="canary", variant="next")
    before = make_calls(0, 100, variant="before")
    now = make_calls(100, 0)
    assert find(canary, now) == []
    assert find(before, now, canary, current={"query": "now"}) == []
    assert find(before, now, canary, current={"query": "before"}) == ["query//success"]


def test_the_weakest_comes_first() -> None:
    found = find(
        make_calls(60, 60, prompt_id="b"), make_calls(10, 110, prompt_id="c"), make_calls(1, 0)
    )
    assert found == ["c//success", "b//success"]
