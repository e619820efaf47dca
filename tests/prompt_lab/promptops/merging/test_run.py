"""Asking by parts: limits, waves, failures; and that a failed part never lowers the answer."""

import threading
from collections.abc import Mapping
from random import Random

import pytest
from scipy.stats import binomtest

from prompt_lab.errors import CallRefused, StoreError, TransientError
from prompt_lab.promptops.decomposition.graph import build_intent_graph
from prompt_lab.promptops.decomposition.records import IntentGraph, IntentNode, QueryLabels
from prompt_lab.promptops.expectations import Expectation, measure_success
from prompt_lab.promptops.merging.merge import merge_answers
from prompt_lab.promptops.merging.records import PartAnswer
from prompt_lab.promptops.merging.run import answer_by_parts

PARALLEL = build_intent_graph("Where is Oslo? Where is Lima? Where is Quito?")
CHAINED = build_intent_graph(
    "Who wrote Faust, and where was he born?",
    QueryLabels.model_validate(
        {
            "clauses": [
                {"text": "Who wrote Faust", "kind": "extraction"},
                {
                    "text": "and where was he born?",
                    "kind": "extraction",
                    "refers": [{"text": "he", "clause": 0, "to": "answer"}],
                },
            ]
        }
    ),
)


class ScriptedModel:
    """Answers by the question's text; an error instead of a text is raised."""

    def __init__(
        self, answers: Mapping[str, str | Exception], whole: str | Exception = "all"
    ) -> None:
        self._answers, self._whole = answers, whole
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self._active = 0
        self.most_active = 0

    def ask_part(self, node: IntentNode, question: str) -> PartAnswer:
        with self._lock:
            self._active += 1
            self.most_active = max(self.most_active, self._active)
            self.asked.append(question)
        try:
            return PartAnswer(node_id=node.id, text=self._say(self._answers[node.id]))
        finally:
            with self._lock:
                self._active -= 1

    def ask_whole(self) -> PartAnswer:
        with self._lock:
            self.asked.append("whole")
        return PartAnswer(node_id="whole", text=self._say(self._whole))

    def _say(self, answer: str | Exception) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self, graph: IntentGraph, at_once: int = 2) -> object:
        return answer_by_parts(graph, self.ask_part, self.ask_whole, at_once=at_once)


ANSWERS = {"n1": "Norway.", "n2": "Peru.", "n3": "Ecuador."}


def test_parts_are_merged_in_the_order_of_the_query_and_the_whole_is_asked_too() -> None:
    model = ScriptedModel(ANSWERS)
    merged = answer_by_parts(PARALLEL, model.ask_part, model.ask_whole, at_once=3)
    assert merged.text == "Norway.\nPeru.\nEcuador."
    assert sorted(model.asked) == [*sorted(one.text for one in PARALLEL.nodes), "whole"]


def test_no_more_calls_run_at_once_than_the_caller_may_make() -> None:
    model = ScriptedModel(ANSWERS)
    model.run(PARALLEL, at_once=1)
    assert model.most_active == 1
    assert model.asked[0] == "whole"


def test_parts_run_side_by_side_where_the_caller_may() -> None:
    together = threading.Barrier(3, timeout=60)

    def ask(node: IntentNode, question: str) -> PartAnswer:
        together.wait()  # passes only while all three are being asked
        return PartAnswer(node_id=node.id, text=node.id)

    model = ScriptedModel({})
    merged = answer_by_parts(PARALLEL, ask, model.ask_whole, at_once=3)
    assert merged.text == "n1\nn2\nn3"


def test_a_bound_variable_is_written_out_once_its_answer_is_there() -> None:
    model = ScriptedModel({"n1": "Goethe", "n2": "In Frankfurt"})
    model.run(CHAINED)
    assert "and where was he born?\n(he = Goethe)" in model.asked


@pytest.mark.parametrize("error", [CallRefused("no"), TransientError("the network is down")])
@pytest.mark.parametrize("node", ["n1", "n2", "n3"])
def test_the_whole_query_wins_when_any_part_fails(node: str, error: Exception) -> None:
    model = ScriptedModel({**ANSWERS, node: error})
    merged = answer_by_parts(PARALLEL, model.ask_part, model.ask_whole, at_once=2)
    assert (merged.text, merged.fallback_used) == ("all", True)


def test_a_part_whose_source_failed_has_failed_too() -> None:
    model = ScriptedModel({"n1": CallRefused("no"), "n2": "In Frankfurt"})
    merged = answer_by_parts(CHAINED, model.ask_part, model.ask_whole, at_once=2)
    assert [bool(one.error) for one in merged.parts] == [True, True]
    assert merged.text == "all"


def test_a_query_that_is_not_split_is_asked_once() -> None:
    model = ScriptedModel({})
    graph = build_intent_graph("Who wrote Faust, and where was he born?")
    merged = answer_by_parts(graph, model.ask_part, model.ask_whole, at_once=2)
    assert (merged.text, merged.fallback_used, model.asked) == ("all", True, ["whole"])


def test_errors_of_the_whole_query_are_raised_where_no_part_answered() -> None:
    model = ScriptedModel({}, whole=TransientError("down"))
    with pytest.raises(TransientError):
        model.run(build_intent_graph("Who wrote Faust?"))
    failed = dict.fromkeys(ANSWERS, CallRefused("no"))
    with pytest.raises(TransientError):
        ScriptedModel(failed, whole=TransientError("down")).run(PARALLEL)
    kept = ScriptedModel(ANSWERS, whole=CallRefused("no")).run(PARALLEL)
    assert kept.text == "Norway.\nPeru.\nEcuador."  # type: ignore[attr-defined]


def test_an_error_of_the_disk_is_no_failed_part() -> None:
    with pytest.raises(StoreError):
        ScriptedModel({**ANSWERS, "n2": StoreError("full")}).run(PARALLEL)


def simulate(
    random: Random, *, fails: float, right: float, whole_right: float
) -> tuple[float, float, bool]:
    """Success of the merged and of the whole answer to one query, and whether a part failed."""
    names = [f"w{random.randrange(10**6)}" for _ in range(random.randint(2, 4))]
    parts = []
    for at, name in enumerate(names, 1):
        if random.random() < fails:
            given = random.choice(
                ({"error": "refused"}, {"text": ""}, {"confidence": 0.1, "text": "x"})
            )
        else:
            given = {"text": name if random.random() < right else f"wrong{at}"}
        parts.append(PartAnswer.model_validate({"node_id": f"n{at}", **given}))
    said = [name if random.random() < whole_right else "wrong" for name in names]
    whole = PartAnswer(node_id="whole", text=" ".join(said))
    failed = any(one.error or not one.text or one.confidence < 0.3 for one in parts)
    expected = Expectation(expects_all=tuple(names))
    merged = merge_answers(parts, whole)
    scores = [measure_success(text, expected) or 0.0 for text in (merged.text, whole.text)]
    return scores[0], scores[1], failed


@pytest.mark.parametrize("fails", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("whole_right", [0.2, 0.6, 1.0])
def test_a_failed_part_never_lowers_the_answer_below_the_whole_query(
    fails: float, whole_right: float
) -> None:
    random = Random(f"{fails} {whole_right}")
    found = [simulate(random, fails=fails, right=0.6, whole_right=whole_right) for _ in range(400)]
    with_failure = [(merged, whole) for merged, whole, failed in found if failed]
    assert len(with_failure) > 40
    worse = sum(merged < whole for merged, whole in with_failure)
    # Non-inferiority with no margin: not one case is worse; of 400 that excludes more than 1 in 13.
    assert worse == 0
    limit = binomtest(worse, len(with_failure)).proportion_ci(0.95, method="exact").high
    assert limit < 0.09


def test_the_simulation_can_see_a_merge_that_is_worse() -> None:
    random = Random(2)
    found = [simulate(random, fails=0.0, right=0.2, whole_right=0.9) for _ in range(200)]
    assert sum(merged < whole for merged, whole, _ in found) > 100
