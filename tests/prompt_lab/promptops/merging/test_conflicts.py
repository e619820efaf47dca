"""A table of conflicts between answers of parts, each with the one right answer."""

from random import Random
from typing import Any, NamedTuple

import pytest

from prompt_lab.promptops.merging.merge import align_confidence, merge_answers
from prompt_lab.promptops.merging.records import ConflictCode, MergedAnswer, PartAnswer

WHOLE = PartAnswer(
    node_id="whole", text="The whole answer.", prompt_id="query", snapshot="s1", cost_usd=0.5
)
FALLBACK = WHOLE.text
ORDER = "Order 17 weighs 12 kg and goes to Oslo."
INVOICE = "Invoice 5 lists order 17 with 14 kg."


class Case(NamedTuple):
    """Two or three answers of parts, and what must come of them."""

    name: str
    parts: tuple[dict[str, Any], ...]
    text: str
    codes: tuple[str, ...] = ()


CASES = (
    Case(
        "nothing disagrees",
        ({"text": "It is Oslo."}, {"text": "It has 7."}),
        "It is Oslo.\nIt has 7.",
    ),
    Case(
        "a part failed", ({"error": "refused"}, {"text": "It has 7."}), FALLBACK, ("part_failed",)
    ),
    Case("all parts failed", ({"error": "a"}, {"error": "b"}), FALLBACK, ("part_failed",) * 2),
    Case("a part is empty", ({"text": " "}, {"text": "7"}), FALLBACK, ("part_unanswered",)),
    Case("a part is marks alone", ({"text": "?!"}, {"text": "7"}), FALLBACK, ("part_unanswered",)),
    Case(
        "a part repeats its question",
        ({"text": "Where is Oslo?", "question": "where is Oslo"}, {"text": "7"}),
        FALLBACK,
        ("part_repeats_question",),
    ),
    Case(
        "a part cites a source that is not there",
        ({"text": "12 kg [3]", "sources": (ORDER,)}, {"text": "Oslo"}),
        FALLBACK,
        ("citation_unknown",),
    ),
    Case(
        "a part is unsure",
        ({"text": "12", "confidence": 0.29}, {"text": "Oslo"}),
        FALLBACK,
        ("part_unsure",),
    ),
    Case(
        "a part is just sure enough",
        ({"text": "12", "confidence": 0.3}, {"text": "Oslo"}),
        "12\nOslo",
    ),
    Case(
        "prompts of two snapshots",
        ({"text": "12", "snapshot": "s1"}, {"text": "Oslo", "snapshot": "s2"}),
        FALLBACK,
        ("mixed_snapshots",),
    ),
    Case(
        "numbers disagree without evidence",
        ({"text": "There are 12 orders."}, {"text": "There are 14 orders."}),
        FALLBACK,
        ("numbers_disagree",),
    ),
    Case(
        "numbers disagree, one is clearly surer",
        (
            {"text": "There are 12 orders.", "confidence": 0.5},
            {"text": "There are 14 orders. It rains.", "confidence": 0.9},
        ),
        "There are 14 orders. It rains.",
        ("numbers_disagree",),
    ),
    Case(
        "numbers disagree, one is hardly surer",
        (
            {"text": "There are 12 orders.", "confidence": 0.8},
            {"text": "There are 14 orders.", "confidence": 0.9},
        ),
        FALLBACK,
        ("numbers_disagree",),
    ),
    Case(
        "numbers disagree, one stands in its source",
        (
            {"text": "The weight is 12 kg [1].", "sources": (ORDER,), "confidence": 0.4},
            {"text": "The weight is 13 kg.", "confidence": 1.0},
        ),
        "The weight is 12 kg [1].",
        ("numbers_disagree",),
    ),
    Case(
        "numbers disagree, each stands in a source of its own",
        (
            {"text": "The weight is 12 kg [1].", "sources": (ORDER,)},
            {"text": "The weight is 14 kg [1].", "sources": (INVOICE,)},
        ),
        FALLBACK,
        ("numbers_disagree",),
    ),
    Case(
        "thousands separators are no difference",
        ({"text": "There are 1,200 orders."}, {"text": "There are 1200 orders."}),
        "There are 1,200 orders.",
        ("duplicate_evidence",),
    ),
    Case(
        "one source is cited for two numbers",
        (
            {"text": "The weight is 12 kg [1].", "sources": (ORDER,)},
            {"text": "The weight is 13 kg [1].", "sources": (ORDER,)},
        ),
        "The weight is 12 kg [1].",
        ("citations_contradict",),
    ),
    Case(
        "one source is cited for two numbers and has neither",
        (
            {"text": "The weight is 15 kg [1].", "sources": (ORDER,)},
            {"text": "The weight is 13 kg [1].", "sources": (ORDER,)},
        ),
        FALLBACK,
        ("citations_contradict",),
    ),
    Case(
        "values disagree without evidence",
        ({"text": "City: Oslo"}, {"text": "City: Lima"}),
        FALLBACK,
        ("values_disagree",),
    ),
    Case(
        "values disagree, the second stands in its source",
        ({"text": "City: Lima"}, {"text": "City: Oslo [1]", "sources": (ORDER,)}),
        "City: Oslo [1]",
        ("values_disagree",),
    ),
    Case(
        "values disagree, clearly surer",
        ({"text": "City: Lima", "confidence": 0.9}, {"text": "City: Oslo", "confidence": 0.4}),
        "City: Lima",
        ("values_disagree",),
    ),
    Case(
        "values of one source disagree",
        (
            {"text": "City: Lima [1]", "sources": (ORDER,)},
            {"text": "City: Oslo [1]", "sources": (ORDER,)},
        ),
        "City: Oslo [1]",
        ("citations_contradict",),
    ),
    Case(
        "values disagree in full-width marks",
        ({"text": "城市：奥斯陆"}, {"text": "城市：利马"}),
        FALLBACK,
        ("values_disagree",),
    ),
    Case(
        "other keys are no conflict",
        ({"text": "City: Oslo"}, {"text": "Weight: 12"}),
        "City: Oslo\nWeight: 12",
    ),
    Case(
        "numbers of other things are no conflict",
        ({"text": "Oslo has 12 orders."}, {"text": "Lima has 14 orders."}),
        "Oslo has 12 orders.\nLima has 14 orders.",
    ),
    Case(
        "both say the same",
        (
            {"text": "Order 17 goes to Oslo. It weighs 12."},
            {"text": "order 17 goes to oslo. It is heavy."},
        ),
        "Order 17 goes to Oslo. It weighs 12.\nIt is heavy.",
        ("duplicate_evidence",),
    ),
    Case(
        "the same evidence under two numbers",
        (
            {"text": "It goes to Oslo [1].", "sources": (ORDER,)},
            {"text": "It weighs 12 kg [2].", "sources": (INVOICE, ORDER)},
        ),
        "It goes to Oslo [1].\nIt weighs 12 kg [1].",
    ),
    Case(
        "other evidence under one number",
        (
            {"text": "It goes to Oslo [1].", "sources": (ORDER,)},
            {"text": "It weighs 14 kg [1].", "sources": (INVOICE,)},
        ),
        "It goes to Oslo [1].\nIt weighs 14 kg [2].",
    ),
    Case(
        "one sentence holds the other one",
        ({"text": "It goes to Oslo."}, {"text": "It goes to Oslo by train."}),
        "It goes to Oslo by train.",
        ("contained_evidence",),
    ),
    Case(
        "answers of one frame to different questions",
        (
            {"text": "It weighs 12 kg.", "question": "How heavy is order 17?"},
            {"text": "It weighs 14 kg.", "question": "How heavy is order 18?"},
        ),
        "It weighs 12 kg.\nIt weighs 14 kg.",
    ),
    Case(
        "equal answers to different questions",
        (
            {"text": "Norway.", "question": "Where is Oslo?"},
            {"text": "Norway.", "question": "Where is Bergen?"},
        ),
        "Norway.\nNorway.",
    ),
    Case(
        "a part speaks of the other one's subject",
        (
            {"text": "The pump weighs 12 kg.", "question": "How heavy is the pump?"},
            {"text": "The pump weighs 14 kg.", "question": "How heavy is the valve?"},
        ),
        FALLBACK,
        ("numbers_disagree",),
    ),
    Case(
        "a failure and a disagreement",
        ({"text": "There are 12 orders."}, {"text": "There are 14 orders."}, {"error": "refused"}),
        FALLBACK,
        ("part_failed", "numbers_disagree"),
    ),
)


def make_parts(case: Case) -> list[PartAnswer]:
    common = {"snapshot": "s1", "prompt_id": "query_extraction", "cost_usd": 0.25}
    return [
        PartAnswer.model_validate({"node_id": f"n{at}", **common, **given})
        for at, given in enumerate(case.parts, 1)
    ]


def merge(case: Case, whole: PartAnswer = WHOLE) -> MergedAnswer:
    return merge_answers(make_parts(case), whole)


def test_the_table_has_at_least_25_cases_and_every_code() -> None:
    assert len(CASES) >= 25
    found = {code for case in CASES for code in case.codes}
    assert found == set(ConflictCode) - {ConflictCode.MISSING}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_conflict_has_its_answer(case: Case) -> None:
    merged = merge(case)
    assert merged.text == case.text
    assert tuple(one.code for one in merged.conflicts) == case.codes
    assert merged.fallback_used == (case.text == FALLBACK)
    assert merged == merge(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_merged_answer_has_provenance_and_confidence_of_each_part(case: Case) -> None:
    merged, parts = merge(case), make_parts(case)
    assert merged.parts == tuple(parts)
    assert merged.cost_usd == pytest.approx(0.5 + 0.25 * len(parts))
    used = [WHOLE] if merged.fallback_used else parts
    assert [one.node_id for one in merged.provenance] == [one.node_id for one in used]
    for trace, part in zip(merged.provenance, used, strict=True):
        assert (trace.prompt_id, trace.snapshot) == (part.prompt_id, part.snapshot)
        assert trace.confidence == part.confidence
        assert {merged.sources[at - 1] for at in trace.sources} <= set(part.sources)


def test_a_part_that_was_not_asked_leaves_the_answer_to_the_whole_query() -> None:
    parts = [PartAnswer(node_id="n1", text="Oslo.")]
    merged = merge_answers(parts, WHOLE, ["n1", "n2"])
    assert (merged.text, merged.conflicts[0].code) == (FALLBACK, ConflictCode.MISSING)


def test_without_a_whole_answer_the_parts_that_there_are_stay() -> None:
    whole = PartAnswer(node_id="whole", error="refused")
    parts = [PartAnswer(node_id="n1", text="Oslo."), PartAnswer(node_id="n2", error="refused")]
    merged = merge_answers(parts, whole)
    assert (merged.text, merged.fallback_used) == ("Oslo.", False)
    assert merge_answers([], whole).text == ""


def test_confidence_never_exceeds_the_evidence() -> None:
    random = Random(3)
    words = ORDER.split()
    for _ in range(200):
        text = " ".join(random.sample([*words, "Lima", "99", "always", "green"], 5))
        stated = random.random()
        found = align_confidence(text, [ORDER], stated=stated)
        assert found <= stated
        assert found <= align_confidence(text, [ORDER])
    assert align_confidence(ORDER, [ORDER], stated=0.4) == 0.4
    assert align_confidence("It is made of green cheese", [ORDER]) == 0.0
    assert align_confidence(ORDER, []) == 0.5
    assert align_confidence(ORDER, [], stated=0.4) == 0.4
