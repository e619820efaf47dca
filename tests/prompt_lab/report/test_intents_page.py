"""The page of asking by parts: what it shows, and that texts of models stay texts."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from prompt_lab.names import Outcome
from prompt_lab.promptops.decomposition.graph import build_intent_graph
from prompt_lab.promptops.decomposition.records import QueryLabels
from prompt_lab.promptops.intent_views import view_graph
from prompt_lab.promptops.merging.merge import merge_answers
from prompt_lab.promptops.merging.records import PartAnswer, SplitAnswer
from prompt_lab.promptops.split_trial import SideUse, SplitDecision
from prompt_lab.report.intents_page import BOX, LEFT, WIDTH, GraphView, plot_graph, render_intents

EVIL = '<script>alert(1)</script>{{ 7 * 7 }}"><img src=x>'
QUERY = "Who wrote Faust, and where was he born?"
LABELS = {
    "clauses": [
        {"text": "Who wrote Faust", "kind": "extraction"},
        {
            "text": "and where was he born?",
            "kind": "extraction",
            "refers": [{"text": "he", "clause": 0, "to": "answer"}],
        },
    ]
}


def make_view(answer: str = "Goethe.", error: str = "") -> GraphView:
    graph = build_intent_graph(QUERY, QueryLabels.model_validate(LABELS))
    parts = [
        PartAnswer(node_id="n1", text=answer, confidence=0.75, sources=("A source.",)),
        PartAnswer(node_id="n2", text="" if error else "In Frankfurt.", error=error),
    ]
    merged = merge_answers(parts, PartAnswer(node_id="whole", text="The whole."))
    return view_graph("plan_1", SplitAnswer(graph=graph, merged=merged))


def make_decision(outcome: Outcome, *, is_on: bool, text: str = "It decided.") -> SplitDecision:
    use = SideUse(runs=4, score=0.5, calls=1, tokens=40, seconds=1.5)
    return SplitDecision(
        verdict_id="3_multi", task_class="multi", when="2026-01-01", outcome=outcome, is_on=is_on,
        codes=() if is_on else ("not_yes",), text=text, whole=use, split=use,
    )  # fmt: skip


def test_a_graph_is_shown_with_parts_answers_evidence_and_its_bound_variable() -> None:
    page = render_intents([], [make_view()], [])
    for text in (
        "Who wrote Faust",
        "Goethe.",
        "In Frankfurt.",
        "[1] A source.",
        "0.75",
        "he</text>",
    ):
        assert text in page
    assert "query_extraction" in page
    assert "Merged answer: Goethe." in page


def test_a_failed_part_shows_its_error_and_the_whole_answer() -> None:
    page = render_intents([], [make_view(error="refused")], [])
    assert "Answer to the whole query: The whole." in page
    assert "part failed</b> refused; the whole query stands." in page


def test_the_page_says_what_was_decided_whichever_way() -> None:
    yes = make_decision(Outcome.YES, is_on=True)
    page = render_intents([yes], [], [("multi", "3_multi")])
    assert "On for <b>multi</b> by the YES of 3_multi" in page
    no = make_decision(Outcome.NO, is_on=False, text="It stays off.")
    page = render_intents([no], [], [])
    assert "Off for every task class" in page
    assert "It stays off." in page
    assert "not_yes" in page


def test_texts_of_models_and_users_are_escaped() -> None:
    view = make_view(answer=EVIL)._replace(query=EVIL, conflicts=((EVIL, EVIL, EVIL),))
    page = render_intents(
        [make_decision(Outcome.NO, is_on=False, text=EVIL)], [view], [(EVIL, EVIL)]
    )
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in re.sub(r"sha256-\S+", "", page.split("<main")[1])


def test_the_drawing_is_well_formed_and_fits_a_telephone() -> None:
    plot = plot_graph(make_view())
    assert WIDTH <= 390 - 2 * 16
    assert plot.width >= LEFT + BOX + 12
    heights = [box.y for box in plot.boxes]
    assert heights == sorted(heights)
    assert all(later - earlier >= plot.row for earlier, later in pairwise(heights))
    page = render_intents([], [make_view(answer=EVIL)], [])
    (drawing,) = re.findall(r"<svg class=\"intents\".*?</svg>", page, re.DOTALL)
    root = ET.fromstring(drawing)
    assert len(root.findall(".//rect")) == 4
    assert len(root.findall("path[@class='bind']")) == 1
